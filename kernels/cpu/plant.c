/* plant.c: the switch of planted bugs, in test builds only (core/plant.h). */
#include "core/plant.h"

#if defined(LEHR_PLANTS)

#include <string.h>

int lehr_plant;

int lehr_plant_find(const char *name)
{
    static const char *const names[] = {"",
#define X(suffix, text, help) text,
                                        LEHR_PLANTS_LIST(X)
#undef X
    };
    for (int i = 1; i < (int)LEHR_PLANT_COUNT; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return 0;
}

#else

typedef int lehr_plant_none; /* ISO C wants something in a file */

#endif

/* base/write.h: write() until all is taken. Not for files that must be whole or not there: study/output.h. */
#ifndef LEHR_BASE_WRITE_H
#define LEHR_BASE_WRITE_H

#include <stdbool.h>
#include <stddef.h>

/* All of bytes[count] into a descriptor, however small the pieces it takes and whatever signals come; false
 * leaves the reason in errno. */
bool lehr_write_all(int fd, const void *bytes, size_t count);

#endif

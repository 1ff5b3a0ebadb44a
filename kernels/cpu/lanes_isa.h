/* lanes_isa.h: names of one instruction set's functions; only for the files lanes*.c.               */
#ifndef LEHR_CPU_LANES_ISA_H
#define LEHR_CPU_LANES_ISA_H

#include "cpu/lanes.h"

#if !defined(LEHR_ISA)
#error "lanes*.c are compiled once per instruction set, with -DLEHR_ISA=v3 or plain"
#endif

#define LEHR_ISA_JOIN(a, b) a##b
#define LEHR_ISA_NAME(a, b) LEHR_ISA_JOIN(a, b)
#define LEHR_ISA_FN(name)   LEHR_ISA_NAME(lehr_##name##_, LEHR_ISA)

double LEHR_ISA_FN(propose)(lehr_draft *draft);
void LEHR_ISA_FN(losses)(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass,
                         float *x);
void LEHR_ISA_FN(hits)(const lehr_energy_args *e, const lehr_tile *tile, const lehr_pass *pass,
                       float *x);
const float *LEHR_ISA_FN(outputs)(const lehr_network *network, const lehr_tile *tile,
                                  const lehr_pass *pass);
void LEHR_ISA_FN(units)(const lehr_units *units, const lehr_tile *tile);
float LEHR_ISA_FN(sum_chunk)(const float *x, int count);
double LEHR_ISA_FN(sum_some)(const float *x, int count);
void LEHR_ISA_FN(rise)(const lehr_pile *pile, float *loss);

#endif

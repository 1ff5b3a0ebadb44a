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

double LEHR_ISA_FN(propose)(const lehr_proposal *p, lehr_i32 weights, lehr_stream a, float sigma,
                            const float *theta, float *proposed);
float LEHR_ISA_FN(chunk_loss)(const lehr_energy_args *e, const float *theta,
                              const lehr_panels *part, int64_t chunk, const lehr_tile *tile);
lehr_chunk_sums LEHR_ISA_FN(chunk_score)(const lehr_energy_args *e, const float *theta,
                                         const lehr_panels *part, int64_t chunk,
                                         const lehr_tile *tile);
const float *LEHR_ISA_FN(outputs)(const lehr_network *network, const float *theta,
                                  const float *inputs, int32_t panels, const lehr_tile *tile);

#endif

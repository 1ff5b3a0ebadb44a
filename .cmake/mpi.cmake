# Runs over MPI ranks: src/run/comm_mpi.c, or comm_mpi_absent.c in its place. No other file includes mpi.h.
#
# LEHR_MPI=AUTO takes the MPI that is there and says why when there is none, ON insists, OFF leaves it out. Afterwards
# LEHR_WITH_MPI is set, or LEHR_WITHOUT_MPI is the reason.
set(LEHR_MPI AUTO CACHE STRING "runs over MPI ranks: AUTO, ON or OFF")
set_property(CACHE LEHR_MPI PROPERTY STRINGS AUTO ON OFF)

set(LEHR_WITH_MPI OFF)
set(LEHR_WITHOUT_MPI "LEHR_MPI=OFF")
if(NOT LEHR_MPI STREQUAL "OFF")
    find_package(MPI QUIET COMPONENTS C)
    if(MPI_C_FOUND)
        set(LEHR_WITH_MPI ON)
        list(APPEND LEHR_LIBRARIES MPI::MPI_C)
    elseif(LEHR_MPI STREQUAL "ON")
        message(FATAL_ERROR "LEHR_MPI=ON, but there is no MPI: install the Debian package libopenmpi-dev (or run .ci/setup)")
    else()
        set(LEHR_WITHOUT_MPI "no MPI, the Debian package libopenmpi-dev")
    endif()
endif()

# The file that is not built.
if(LEHR_WITH_MPI)
    set(LEHR_UNUSED_SOURCE comm_mpi_absent.c)
else()
    set(LEHR_UNUSED_SOURCE comm_mpi.c)
endif()

# Toolchain: 64-bit ARM by Debian's cross compiler, to see that everything compiles there. The headers of the
# libraries do not depend on the processor, so the host's are taken, after the cross compiler's own; nothing
# is linked.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
file(GLOB host_headers /usr/include/x86_64-linux-gnu)
set(CMAKE_C_FLAGS_INIT "-idirafter /usr/include")
if(host_headers)
    string(APPEND CMAKE_C_FLAGS_INIT " -idirafter ${host_headers}")
endif()

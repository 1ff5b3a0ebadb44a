# lehr_bytes(PATH out): the bytes of a file as the elements of a C array, a 0 at the end. For scripts that
# write C files; bytes and not string literals, which may end at 65,535.
function(lehr_bytes path out)
    file(READ "${path}" bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "(................................................................................)"
           "\\1\n" bytes "${bytes}")
    set(${out} "{\n${bytes}0}" PARENT_SCOPE)
endfunction()

# What `cmake --install` puts where: the library, its headers, the program, the ready configs, and the two
# ways to find the library: find_package(lehr) and pkg-config lehr.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS lehr EXPORT lehrTargets)
if(TARGET lehr_program)
    install(TARGETS lehr_program)
endif()
install(DIRECTORY include/lehr TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/lehr/configs OPTIONAL)

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/lehr)
install(EXPORT lehrTargets NAMESPACE lehr:: DESTINATION ${cmake_folder})
configure_package_config_file(.cmake/lehrConfig.cmake.in lehrConfig.cmake
    INSTALL_DESTINATION ${cmake_folder} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(lehrConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/lehrConfig.cmake" "${PROJECT_BINARY_DIR}/lehrConfigVersion.cmake"
        DESTINATION ${cmake_folder})

# The prefix in lehr.pc is relative to the file itself, so an installed tree can be moved.
set(pc_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}/${pc_folder}"
           OUTPUT_VARIABLE pc_prefix)
set(LEHR_PC_MPI "")
if(LEHR_WITH_MPI)
    list(JOIN MPI_C_LIBRARIES " " libraries)
    set(LEHR_PC_MPI " ${libraries}")
endif()
set(LEHR_PC_CUDA "")
if(LEHR_WITH_CUDA)
    cmake_path(GET CUDA_cudart_static_LIBRARY PARENT_PATH folder)
    set(LEHR_PC_CUDA " -L${folder} -lcudart_static -lrt -ldl")
endif()
configure_file(.cmake/lehr.pc.in lehr.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/lehr.pc" DESTINATION ${pc_folder})

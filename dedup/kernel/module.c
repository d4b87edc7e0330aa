/* An empty module, for the sake of the tools that build and install extensions; ctypes calls the functions beside it. */
#include <Python.h>

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_compiled", 0, 0, 0, 0, 0, 0, 0};

PyMODINIT_FUNC PyInit__compiled(void) { return PyModuleDef_Init(&definition); }

/* The check digit of card and account numbers (ISO/IEC 7812-1, annex B). */

#include <Python.h>
#include <string.h>

static PyObject *is_valid(PyObject *module, PyObject *argument)
{
    Py_ssize_t length;
    const char *number = PyUnicode_AsUTF8AndSize(argument, &length);
    if (!number)
        return NULL;
    if (length < 2 || strspn(number, "0123456789") != (size_t)length)
        Py_RETURN_FALSE;
    int sum = 0, doubled = 0;
    for (Py_ssize_t i = length; i-- > 0; doubled = !doubled) {
        int value = (number[i] - '0') << doubled;
        sum += value > 9 ? value - 9 : value;
    }
    return PyBool_FromLong(sum % 10 == 0);
}

static PyMethodDef methods[] = {
    {"is_valid", is_valid, METH_O, "Whether a number, as text of digits only, ends with its check digit."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "luhn", .m_methods = methods};

PyMODINIT_FUNC PyInit_luhn(void) { return PyModuleDef_Init(&module); }

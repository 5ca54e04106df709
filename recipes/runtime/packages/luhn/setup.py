from setuptools import Extension, setup

setup(ext_modules=[Extension("luhn", ["luhn.c"])])

"""Run the check of an exercise: python -m workshop.exercises NUMBER."""

import importlib.util
import sys
import unittest

from workshop.exercises import FOLDERS


def load(number):
    """Import the check of an exercise; a folder's name that begins with a digit is no
    name for an import statement."""
    path = FOLDERS[number] / "check.py"
    spec = importlib.util.spec_from_file_location(f"check_{number}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    known = [str(number) for number in FOLDERS]
    if sys.argv[1:] not in [[number] for number in known]:
        sys.exit(f"Which exercise? One of {', '.join(known)}.")
    tests = unittest.defaultTestLoader.loadTestsFromModule(load(int(sys.argv[1])))
    sys.exit(not unittest.TextTestRunner().run(tests).wasSuccessful())

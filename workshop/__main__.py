import importlib
import sys
importlib.import_module("workshop." + sys.argv[1]).main(sys.argv[2:])

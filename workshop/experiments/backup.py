"""Copy the files of the log away, or bring them back (steps 7 and 12).

python experiments/backup.py save
python experiments/backup.py back
"""

import pathlib
import shutil
import sys

HERE, SAVED = pathlib.Path("."), pathlib.Path("saved")
source, target = (HERE, SAVED) if sys.argv[1:] == ["save"] else (SAVED, HERE)
SAVED.mkdir(exist_ok=True)
for old in target.glob("chat.db*"):
    if not (source / old.name).exists():
        old.unlink()
for path in source.glob("chat.db*"):
    shutil.copyfile(path, target / path.name)
    print(path, "->", target / path.name)

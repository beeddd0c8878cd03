"""Work folders are never shared between calculators or processes, and cleaned up."""

import gc
import pickle

from ase_mag.reference.work_folder import WorkFolder


def test_temporary_folder_is_removed_with_its_owner():
    folder = WorkFolder()
    path = folder.path
    (path / "run.abo").write_text("x", encoding="utf-8")
    assert folder.path == path
    del folder
    gc.collect()
    assert not path.exists()


def test_given_folder_is_kept_and_copies_get_their_own(tmp_path):
    folder = WorkFolder(tmp_path / "here" / "runs")
    assert folder.path == tmp_path / "here" / "runs"
    first, second = (pickle.loads(pickle.dumps(folder)) for _ in range(2))
    paths = {folder.path, first.path, second.path}
    assert len(paths) == 3
    assert first.path.parent == second.path.parent == folder.path
    del folder, first
    gc.collect()
    assert all(path.is_dir() for path in paths)


def test_temporary_copies_are_separate():
    folder = WorkFolder()
    assert pickle.loads(pickle.dumps(folder)).path != folder.path

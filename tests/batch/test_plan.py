"""Which recordings a batch runs over, and where the results of each go."""

import os

from emgkit.batch.plan import plan

SUFFIXES = (".bdf", ".mat", ".csv", ".vhdr")


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def names_of(planned):
    return [job.name for job in planned.jobs]


def test_a_folder_is_searched_with_all_folders_below_and_paths_are_kept(tmp_path):
    touch(tmp_path / "in", "p1.bdf", "day2/p1.bdf", "day2/deep/p3.MAT")
    assert names_of(plan([tmp_path / "in"], SUFFIXES, tmp_path / "out")) == ["day2/deep/p3", "day2/p1", "p1"]


def test_equal_names_in_two_folders_do_not_collide(tmp_path):
    touch(tmp_path, "a/p1.bdf", "b/p1.bdf")
    for inputs in ([tmp_path / "a", tmp_path / "b"], [tmp_path / "a/p1.bdf", tmp_path / "b/p1.bdf"]):
        assert names_of(plan(inputs, SUFFIXES, tmp_path / "out")) == ["a/p1", "b/p1"]


def test_equal_names_with_different_endings_keep_the_ending(tmp_path):
    touch(tmp_path, "p1.bdf", "p1.mat", "p2.bdf")
    assert names_of(plan([tmp_path], SUFFIXES, tmp_path / "out")) == ["p1_bdf", "p1_mat", "p2"]


def test_a_name_that_was_made_longer_never_meets_another_recording(tmp_path):
    touch(tmp_path, "p1.bdf", "p1.mat", "p1_bdf.csv")
    listed = names_of(plan([tmp_path], SUFFIXES, tmp_path / "out"))
    assert len(set(listed)) == 3


def test_a_recording_named_twice_is_run_once(tmp_path):
    touch(tmp_path, "p1.bdf")
    os.symlink(tmp_path / "p1.bdf", tmp_path / "link.bdf")
    assert len(plan([tmp_path, tmp_path / "p1.bdf"], SUFFIXES, tmp_path / "out").jobs) == 1


def test_results_hidden_files_and_companions_are_left_aside_with_a_reason(tmp_path):
    touch(tmp_path, "p1.vhdr", "p1.eeg", ".hidden.bdf", "p1_channels.tsv", "p1_evoked.csv", "notes.docx")
    touch(tmp_path / "out", "p9.csv")
    planned = plan([tmp_path], SUFFIXES, tmp_path / "out")
    assert names_of(planned) == ["p1"]
    reasons = {item.path.name: item.why for item in planned.skipped}
    assert reasons == {
        "p1.eeg": "no recording by its ending",
        ".hidden.bdf": "hidden",
        "p1_channels.tsv": "companion of a recording",
        "p1_evoked.csv": "companion of a recording",
        "notes.docx": "no recording by its ending",
    }


def test_a_file_that_is_named_is_taken_whatever_it_is(tmp_path):
    planned = plan([tmp_path / "missing.xyz"], SUFFIXES, tmp_path / "out")
    assert names_of(planned) == ["missing"]


def test_folders_that_link_in_a_circle_end(tmp_path):
    touch(tmp_path, "a/p1.bdf")
    os.symlink(tmp_path, tmp_path / "a/again")
    assert names_of(plan([tmp_path], SUFFIXES, tmp_path / "out")) == ["a/p1"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    touch(tmp_path, "open/p1.bdf")
    real = os.scandir

    def refusing(path):
        if str(path).endswith("open"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    planned = plan([tmp_path], SUFFIXES, tmp_path / "out")
    assert not planned.jobs
    assert planned.skipped[0].why == "folder cannot be read: Permission denied"

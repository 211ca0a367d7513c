"""DVC-tracked reruns: recording, rerunning what an edit touches, restoring elsewhere, two at a time."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.checkouts import ROOT, Checkout

pytestmark = [pytest.mark.workflow, pytest.mark.long]

RUN = {
    "GIT_AUTHOR_NAME": "test",
    "GIT_AUTHOR_EMAIL": "test@localhost",
    "GIT_COMMITTER_NAME": "test",
    "GIT_COMMITTER_EMAIL": "test@localhost",
    "PYTHONDONTWRITEBYTECODE": "1",
}
PARAMS = "run: test\nconfigfile: config/test.yaml\ncorpus: embedded\n"


class Tracked:
    """A checkout that is a git repository with DVC in it."""

    def __init__(self, path: Path, **environment: str) -> None:
        self.path = path
        # `snakemake` and `dvc` are on the path, as in an activated environment.
        found = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        package = str(path / "workflow/scripts")
        self.environment = os.environ | RUN | {"PATH": found, "PYTHONPATH": package} | environment

    def run(self, *command: str, code: int = 0) -> str:
        """Run a command; its output."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def start(self, *command: str) -> subprocess.Popen:
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def track(self, *arguments: str) -> str:
        return self.run(sys.executable, "-m", "wavbrivl.workflow.track", *arguments)

    def commit(self) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "step")

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def jobs(self) -> Counter[str]:
        """How often each rule has run in this checkout, by Snakemake's own logs."""
        logs = (self.path / ".snakemake/log").glob("*.log")
        text = "\n".join(log.read_text(encoding="utf-8") for log in logs)
        return Counter(re.findall(r"^(?:local)?rule (\w+):", text, flags=re.MULTILINE))

    def planned(self) -> set[str]:
        checkout = Checkout(self.path)
        return set(checkout.planned())


@pytest.fixture(scope="module")
def recorded(finished, tmp_path_factory) -> Tracked:
    """The finished toy run, recorded in DVC. Tests must not change it."""
    path = tmp_path_factory.mktemp("dvc") / "recorded"
    shutil.copytree(finished.path, path, symlinks=True)
    for name in (".dvcignore", ".gitignore", ".dvc"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, path / name, ignore=shutil.ignore_patterns("tmp", "cache"))
        else:
            shutil.copy2(source, path / name)
    (path / "params.yaml").write_text(PARAMS, encoding="utf-8")
    repository = Tracked(path)
    repository.run("git", "init", "--quiet")
    repository.run(sys.executable, "-m", "wavbrivl.workflow.pipeline")
    repository.commit()
    repository.track("record")
    repository.commit()
    return repository


@pytest.fixture
def repository(recorded, tmp_path) -> Tracked:
    """A copy of it to change."""
    shutil.copytree(recorded.path, tmp_path / "copy", symlinks=True)
    return Tracked(tmp_path / "copy")


def test_pipeline_is_the_workflows_own():
    done = subprocess.run(
        [sys.executable, "-m", "wavbrivl.workflow.pipeline", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr} (make config)"


def test_after_recording_nothing_is_to_be_done(recorded):
    before = recorded.jobs()
    assert "up to date" in recorded.run("dvc", "status")
    assert recorded.run("dvc", "repro").count("didn't change, skipping") >= 6
    assert recorded.jobs() == before
    assert recorded.planned() == set()
    assert recorded.run("git", "status", "--porcelain") == ""


def test_stages_curves_and_figures_are_shown(recorded):
    stages = recorded.run("dvc", "dag", "--dot")
    for earlier, later in (("corpus", "teacher"), ("train", "evaluate"), ("evaluate", "publish")):
        assert f'"{earlier}" -> "{later}"' in stages
    page = recorded.run("dvc", "plots", "show", "--out", "../shown").strip().splitlines()[-1]
    shown = Path(page.removeprefix("file://"))
    text = shown.read_text(encoding="utf-8")
    assert "Training loss" in text and "figures" in text
    assert len(list(shown.parent.rglob("*.png"))) >= 10
    assert recorded.run("git", "status", "--porcelain") == ""


def test_one_parameter_reruns_one_evaluation_and_what_depends_on_it(repository):
    before = repository.jobs()
    repository.run("dvc", "exp", "run", "-S", "config/config.yaml:evaluate.retrieval.recalls=[1,2]")
    ran = repository.jobs() - before
    assert ran["evaluate_retrieval"] == 1
    assert not {
        rule for rule in ran if rule.startswith(("evaluate_", "train", "embed", "extract", "make_world"))
    } - {"evaluate_retrieval"}
    assert max(ran.values()) <= 2  # a target appears once a stage
    assert "recalls" in repository.run("dvc", "params", "diff")
    changed = repository.run("dvc", "metrics", "diff")
    assert "recall_at_2" in changed
    assert "recalls" in repository.run("dvc", "exp", "show", "--csv")
    assert "up to date" in repository.run("dvc", "status")


def test_seed_of_the_corpus_reruns_everything(repository):
    repository.edit("config/config.yaml", "\nseed: 7\n", "\nseed: 8\n")
    stale = repository.run("dvc", "status")
    for stage in ("corpus", "teacher", "train", "evaluate", "generate", "publish"):
        assert re.search(rf"^{stage}:", stale, flags=re.MULTILINE)
    assert {
        "make_world",
        "fetch_clips",
        "train_teacher",
        "train_audio_encoder",
        "make_tables",
    } <= repository.planned()


def test_one_line_of_the_loss_reruns_training_and_what_depends_on_it(repository):
    loss = repository.path / "workflow/scripts/wavbrivl/train/objective.py"
    loss.write_text(loss.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")
    stale = repository.run("dvc", "status")
    assert re.search(r"^train:", stale, flags=re.MULTILINE)
    assert not re.search(r"^(corpus|teacher):", stale, flags=re.MULTILINE)
    planned = repository.planned()
    assert {"train_audio_encoder", "evaluate_benchmark", "make_report"} <= planned
    assert not planned & {"make_world", "extract_media", "train_teacher", "embed_images"}


def test_restored_in_a_fresh_clone_nothing_is_to_be_done(repository, tmp_path):
    repository.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    repository.commit()
    repository.run("dvc", "push")
    clone = _clone(repository, tmp_path / "clone")
    clone.track("restore")
    assert "up to date" in clone.run("dvc", "status")
    assert clone.planned() == set()
    # What was restored is a state to go on from, not a picture of one.
    clone.edit("config/config.yaml", "    recalls: [1, 5, 10]", "    recalls: [1, 2]")
    assert "evaluate_retrieval" in clone.planned()
    assert not clone.planned() & {"make_world", "extract_media", "train_teacher", "evaluate_benchmark"}


def test_restored_from_an_s3_store(repository, tmp_path):
    server = pytest.importorskip("moto.server", reason="moto, the make-believe S3, is not installed")
    threaded = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    threaded.start()
    try:
        host, port = threaded.get_host_and_port()
        secrets = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        repository = Tracked(repository.path, **secrets)
        import boto3

        address = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=address, **_lower(secrets))
        client.create_bucket(Bucket="store")
        repository.run("dvc", "remote", "add", "--default", "store", "s3://store/wavbrivl")
        repository.run("dvc", "remote", "modify", "store", "endpointurl", address)
        repository.commit()
        repository.run("dvc", "push")
        clone = Tracked(_clone(repository, tmp_path / "clone").path, **secrets)
        clone.track("restore")
        assert "up to date" in clone.run("dvc", "status")
        assert clone.planned() == set()
        assert "test" not in (clone.path / ".dvc/config").read_text(encoding="utf-8").replace("wavbrivl", "")
    finally:
        threaded.stop()


def test_another_run_is_recorded_and_never_reproduced(repository):
    overlay = (repository.path / "config/test.yaml").read_text(encoding="utf-8")
    (repository.path / "config/other.yaml").write_text(
        overlay.replace("run: test", "run: other"), encoding="utf-8"
    )
    shutil.copytree(repository.path / "results/test", repository.path / "results/other")
    said = repository.track("record", "--run", "other")
    assert "recorded" in said
    assert (repository.path / "tracks/other/dvc.lock").is_file()
    before = repository.jobs()
    repository.edit("config/config.yaml", "    recalls: [1, 5, 10]", "    recalls: [1, 2]")
    repository.run("dvc", "repro", "--all-pipelines", "--dry")
    repository.run("dvc", "repro", "tracks/other/dvc.yaml")
    assert not (repository.jobs() - before)


def test_a_run_that_is_not_there_is_refused_in_a_sentence(repository):
    command = [sys.executable, "-m", "wavbrivl.workflow.track", "record", "--run", "paper"]
    said = repository.run(*command, code=1)
    assert "has finished no stage" in said or "there is no" in said
    assert "Traceback" not in said


def test_two_writers_in_one_folder_neither_hang_nor_spoil(repository):
    repository.edit("config/config.yaml", "    recalls: [1, 5, 10]", "    recalls: [1, 2]")
    first = repository.start("dvc", "repro")
    deadline = time.monotonic() + 120
    while not list((repository.path / ".snakemake/locks").glob("*.lock")):
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.05)
    second = repository.start("snakemake", "--cores", "1", "--configfile", "config/test.yaml")
    said, _ = second.communicate(timeout=120)
    output, _ = first.communicate(timeout=300)
    assert first.returncode == 0, output[-3000:]
    # Either it came while the first one held the folder, and says so, or after it had finished.
    assert second.returncode == 0 or "lock" in said.lower()
    assert "up to date" in repository.run("dvc", "status")
    assert repository.planned() == set()


def test_two_users_push_to_one_store_at_a_time(repository, tmp_path):
    repository.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    repository.commit()
    shutil.copytree(repository.path, tmp_path / "other", symlinks=True)
    users = [repository, Tracked(tmp_path / "other")]
    pushes = [user.start("dvc", "push") for user in users]
    for push in pushes:
        output, _ = push.communicate(timeout=120)
        assert push.returncode == 0, output
    clone = _clone(repository, tmp_path / "clone")
    clone.track("restore")
    assert "up to date" in clone.run("dvc", "status")


def _clone(repository: Tracked, path: Path) -> Tracked:
    repository.run("git", "clone", "--quiet", str(repository.path), str(path))
    return Tracked(path)


def _lower(values: dict[str, str]) -> dict[str, str]:
    names = {"AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key"}
    return {names[key]: value for key, value in values.items() if key in names} | {"region_name": "us-east-1"}

"""The Debian package that Deploy/package.sh makes: what is in it, and how it lives in a Debian of its own.

That Debian is made by debootstrap, once, in .build/debian, and booted by systemd-nspawn, so that systemd itself starts
the services, confined as the units say. It needs root and, the first time, the network.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from host import DEPLOY, EXECUTABLE, ROOT, DeployCase, cluster, needs, needs_executable, run

HERE = pathlib.Path(__file__).resolve().parent
SYSTEM = ROOT / ".build" / "debian"
MIRROR = "http://deb.debian.org/debian"
# systemd, and what the package depends on, so that later runs need no network.
INCLUDED = "systemd,libopenblas0,libprotobuf-c1,libstdc++6,zlib1g"
MODEL_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODELS = pathlib.Path(os.environ.get("PACELINE_MODELS", pathlib.Path.home() / ".cache/paceline/models"))
# The service that runs in_debian.sh after the boot, and ends the system.
DRIVER = """[Unit]
After=multi-user.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/bash /test/in_debian.sh /test
StandardOutput=file:/test/log
StandardError=inherit
TimeoutStartSec=600
"""


@functools.cache
def folder():
    """For everything that is made once; it goes with this process."""
    made = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(made.cleanup)
    return pathlib.Path(made.name)


def make(version, output):
    ended = run(DEPLOY / "package.sh", "--version", version, "--compression", "none", "--output", output, EXECUTABLE)
    if ended.returncode != 0:
        raise cluster.Failure(ended.stdout)
    (file,) = output.glob(f"paceline_{version}_*.deb")
    return file


@functools.cache
def package():
    return make("1.0.0", folder())


@functools.cache
def unpacked():
    subprocess.run(["dpkg-deb", "--raw-extract", package(), folder() / "unpacked"], check=True)
    return folder() / "unpacked"


def newer(file):
    """The package again with the next version and another verifier.yaml."""
    tree = folder() / "newer"
    shutil.copytree(unpacked(), tree, symlinks=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("Version: 1.0.0", "Version: 1.0.1"))
    settings = tree / "etc" / "paceline" / "verifier.yaml"
    settings.write_text(settings.read_text() + "# A newer line.\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, file], check=True, capture_output=True)
    shutil.rmtree(tree)


@needs(dpkg_shlibdeps="dpkg-dev", strip="binutils", patchelf="patchelf")
@needs_executable
class PackageFile(DeployCase):
    def test_the_same_executable_gives_the_same_bytes(self):
        again = make("1.0.0", folder() / "again")
        same = again.read_bytes() == package().read_bytes()
        again.unlink()
        self.assertTrue(same)

    def test_settings_survive_upgrades(self):
        listed = (unpacked() / "DEBIAN" / "conffiles").read_text().split()
        self.assertEqual(
            sorted(listed),
            [f"/etc/paceline/{name}" for name in ("environment", "gateway.yaml", "verifier.yaml", "worker.yaml")],
        )
        for name in listed:
            self.assertTrue((unpacked() / name[1:]).is_file())

    def test_the_program_needs_no_toolchain(self):
        program = unpacked() / "usr/bin/paceline"
        self.assertTrue(self.succeed("env", "-i", program, "--version").startswith("paceline "))
        used = re.findall(r"=> (\S+)", self.succeed("env", "-i", "ldd", program.resolve()))
        foreign = [
            path
            for path in used
            if not path.startswith((str(unpacked().resolve()), "/lib", "/usr/lib/x86", "/usr/lib/aarch"))
        ]
        self.assertEqual(foreign, [])

    @unittest.skipUnless((MODELS / MODEL_FILE).exists(), "needs the model that Deploy/fetch-models.sh fetches")
    def test_models_can_be_fetched_without_the_sources(self):
        # The model is there, so that nothing has to be fetched.
        program = unpacked() / "usr/share/paceline/fetch-models.sh"
        self.succeed(program, "smollm2", cwd="/", env={**os.environ, "PACELINE_MODELS": str(MODELS)})

    @needs(shellcheck="shellcheck")
    def test_the_scripts_of_the_package_are_sound(self):
        scripts = [DEPLOY / "package" / name for name in ("postinst", "prerm", "postrm")]
        self.succeed("shellcheck", "--shell=sh", *scripts)

    @needs(lintian="lintian")
    def test_lintian_has_nothing_to_say(self):
        # This one is not compressed, so that the test is quicker.
        own = ",".join(f"uses-no-compression-for-{part}-tarball" for part in ("control", "data"))
        options = ["--allow-root", "--fail-on=error,warning", f"--suppress-tags={own}"]
        report = self.succeed("lintian", *options, package())
        self.assertEqual([line for line in report.splitlines() if not line.startswith("running with root")], [])

    @needs(man="man-db")
    def test_every_command_has_a_manual_page(self):
        pages = sorted((unpacked() / "usr/share/man/man1").iterdir())
        names = {page.name.removesuffix(".1.gz") for page in pages}
        commands = re.findall(r"^  ([a-z]+)  ", run(EXECUTABLE, "--help").stdout.split("SUBCOMMANDS:")[1], re.MULTILINE)
        self.assertGreater(len(commands), 7)
        self.assertLessEqual({f"paceline-{command}" for command in commands} | {"paceline"}, names)
        for page in pages:
            with self.subTest(page.name):
                shown = run("man", "--warnings", "-l", page, env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
                self.assertEqual(shown.returncode, 0)
                # groff's complaints come first.
                self.assertNotIn("warning:", shown.stdout)
        for name in ("gateway", "verifier", "worker"):
            options = set(re.findall(r"--[a-z][a-z-]+", run(EXECUTABLE, name, "--help").stdout.split("USAGE:")[1]))
            shown = self.succeed("man", "-l", unpacked() / f"usr/share/man/man1/paceline-{name}.1.gz")
            self.assertEqual({option for option in options if option not in shown}, set())
            self.assertIn(f"/etc/paceline/{name}.yaml", shown)

    def test_bash_completes(self):
        file = unpacked() / "usr/share/bash-completion/completions/paceline"
        script = f'. {file}; COMP_WORDS=(paceline veri) COMP_CWORD=1 COMP_LINE="paceline veri" COMP_POINT=13; '
        script += 'function=$(complete -p paceline | sed "s/.*-F //; s/ .*//"); "$function" paceline veri paceline; '
        self.assertEqual(self.succeed("bash", "-c", script + 'echo "${COMPREPLY[@]}"').split(), ["verifier"])

    @needs(fish="fish")
    def test_fish_completes(self):
        file = unpacked() / "usr/share/fish/vendor_completions.d/paceline.fish"
        path = f"{unpacked()}/usr/bin:{os.environ['PATH']}"
        home = self.enterContext(tempfile.TemporaryDirectory())
        shown = self.succeed(
            "fish",
            "-c",
            f"source {file}; complete -C 'paceline veri'",
            env={"PATH": path, "HOME": home, "TERM": "dumb"},
        )
        self.assertEqual(shown.split("\t")[0], "verifier")

    @needs(zsh="zsh")
    def test_zsh_loads_the_completions(self):
        folder = unpacked() / "usr/share/zsh/vendor-completions"
        script = f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u; print -r -- $_comps[paceline]"
        self.assertEqual(self.succeed("zsh", "-f", "-c", script).strip(), "_paceline")
        self.succeed("zsh", "-n", folder / "_paceline")

    def test_wrong_calls_say_what_is_wrong(self):
        for arguments, said in [
            ([], "name the executable"),
            (["--version", "one", EXECUTABLE], "begins with a digit"),
            (["--colour", EXECUTABLE], "unknown option --colour"),
            ([HERE / "host.py"], "is not an executable"),
        ]:
            ended = run(DEPLOY / "package.sh", *arguments)
            self.assertEqual((ended.returncode, said in ended.stdout), (1, True), ended.stdout)


@functools.cache
def debian():
    """A minimal Debian of this one's release, made once for this folder of sources."""
    release = re.search(r"VERSION_CODENAME=(\w+)", pathlib.Path("/etc/os-release").read_text()).group(1)
    system = SYSTEM / release
    if not system.exists():
        fresh = SYSTEM / f"{release}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        made = run("debootstrap", "--variant=minbase", f"--include={INCLUDED}", release, fresh, MIRROR)
        if made.returncode != 0:
            raise unittest.SkipTest(f"debootstrap cannot make a Debian: {made.stdout[-300:]}")
        fresh.rename(system)
    return system


@unittest.skipUnless(os.geteuid() == 0, "needs root, to make and boot a Debian")
@unittest.skipUnless((MODELS / MODEL_FILE).exists(), "needs the model that Deploy/fetch-models.sh fetches")
@needs(dpkg_shlibdeps="dpkg-dev", debootstrap="debootstrap", systemd_nspawn="systemd-container", patchelf="patchelf")
@needs_executable
class InstalledPackage(DeployCase):
    def setUp(self):
        self.root = folder() / "root"
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.succeed("cp", "--archive", "--reflink=auto", debian(), self.root)
        test = self.root / "test"
        test.mkdir()
        shutil.copy(HERE / "in_debian.sh", test)
        shutil.copy(MODELS / MODEL_FILE, test)
        shutil.copy(package(), test / "first.deb")
        newer(test / "second.deb")
        (self.root / "etc/systemd/system/deploy-test.service").write_text(DRIVER)

    def nspawn(self, *arguments):
        # Its own network, so that the services have their usual ports. No systemd need run on this host.
        options = ["--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe"]
        return run("systemd-nspawn", *options, "--directory", self.root, *arguments, stdin=subprocess.DEVNULL)

    def test_it_is_installed_used_upgraded_and_removed(self):
        trial = self.nspawn("/bin/true")
        if trial.returncode != 0:
            self.skipTest(f"systemd-nspawn does not work here: {trial.stdout}")
        booted = self.nspawn(
            "/lib/systemd/systemd", "systemd.unit=multi-user.target", "systemd.wants=deploy-test.service"
        )
        log = self.root / "test" / "log"
        report = log.read_text() if log.exists() else booted.stdout
        self.assertEqual(re.findall(r"^failed: (?:.|\n)*", report, re.MULTILINE), [])
        steps = re.findall(r"^step (.*)$", report, re.MULTILINE)
        expected = ["install", "start", "confinement", "crash", "token", "upgrade", "log", "remove", "install again"]
        self.assertEqual(steps, [*expected, "purge"], report[-6000:])
        self.assertEqual(report.splitlines()[-1], "done", report[-6000:])


if __name__ == "__main__":
    unittest.main()

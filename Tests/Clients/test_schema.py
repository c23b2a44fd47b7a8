"""Protocols/openapi.yaml says what the server does: schemathesis sends what the schemas allow and what they do not, and
checks statuses, content types, bodies and the events of streams.
"""

import os
import subprocess
import sys
import tempfile
import unittest

from service import HERE, ServiceCase

OPENAPI = HERE.parent.parent / "Protocols" / "openapi.yaml"
# The same routes under other names.
ALIASES = ["/chat/completions", "/v1/fim/completions", "/v1/health", "/ping"]


class Schema(ServiceCase):
    def test_the_server_keeps_to_the_schema(self):
        run = [sys.executable, "-m", "schemathesis.cli", "run", str(OPENAPI), "--url", self.drafted.root]
        run += ["--header", f"Authorization: Bearer {self.key}"]
        run += ["--phases", "examples,coverage,fuzzing", "--max-examples", "5"]
        run += ["--generation-deterministic", "--continue-on-failure", "--no-color"]
        # A schema cannot say everything: which tokens there are, what a template refuses, what excludes what.
        run += ["--exclude-checks", "positive_data_acceptance"]
        for alias in ALIASES:
            run += ["--exclude-path", alias]
        path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            run,
            # It keeps notes of failures in its folder, and would begin with them the next time.
            cwd=self.enterContext(tempfile.TemporaryDirectory()),
            env=os.environ | {"SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()

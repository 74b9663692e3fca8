# SPDX-License-Identifier: MIT
"""The commands as a shell sees them: exit codes and what is said."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "api"))
import lib  # noqa: E402


def jobmill(*arguments, stdout=subprocess.PIPE):
    return subprocess.run([lib.JOBMILL, *arguments], stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=60)


class Commands(unittest.TestCase):
    def test_output_that_cannot_be_written_is_a_failure(self):
        with tempfile.TemporaryDirectory() as empty, open("/dev/full", "w") as full:
            for command in (["check", "-c", empty], ["keys"], ["version"], ["get", "--help"]):
                done = jobmill(*command, stdout=full)
                self.assertEqual((done.returncode, done.stderr),
                                 (1, "jobmill: cannot write the output\n"), command)

    def test_a_configuration_file_too_large_is_a_wrong_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "large.ini"), "w") as f:
                f.write("\n" * (1 << 21))
            done = jobmill("check", "-c", folder)
            self.assertEqual(done.returncode, 78, done.stderr)
            self.assertIn("large.ini: larger than", done.stderr)

    def test_check_refuses_what_serve_would_refuse(self):
        for text, said in (("[store]\nurl = mysql:foo\n", "scheme mysql:"),
                           ("[queue]\nurl = amqp://host\n", "queue.url"),
                           ("[api]\ntokens_file = nowhere\n", "nowhere")):
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "one.ini"), "w") as f:
                    f.write(text)
                done = jobmill("check", "-c", folder)
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()

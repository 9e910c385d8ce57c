// Loaded into the official desktop before its own code. Its standard input is a pipe that the test
// process holds and nobody else, so it closes when that process is gone, however it ended: the desktop
// then ends as well, and removes the directory that was made for it and that this file is in.
const { rmSync } = require('node:fs');

function endWithParent() {
  process.on('exit', () => rmSync(__dirname, { recursive: true, force: true }));
  process.exit();
}

process.stdin.on('end', endWithParent).on('error', endWithParent).resume();

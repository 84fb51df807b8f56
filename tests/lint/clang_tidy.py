#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source that is built, several at a time; a file that was clean is not looked at again.

usage: clang_tidy.py BUILD_DIR CACHE_DIR [FILE..]

A file's verdict depends on itself, on our headers that it reaches, on its compiler options, on .clang-tidy and on the
tool: the hash of all that names the marker in CACHE_DIR. Where the checkout lies, and whether ccache stands before the
compiler, changes nothing: clones share their markers. One process per file: in clang-tidy 14 the va_list checker
carries state from one file of a run to the next."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.M)
FINDING = re.compile(r'^(\S+?):(\d+):(\d+): (?:error|warning): (.*)$')


def reached(path, folders, known):
    """`path` and our own headers that it includes, directly or not. `known` remembers each file's includes."""
    done, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current in done:
            continue
        done.add(current)
        if current not in known:
            known[current] = []
            for name in INCLUDE.findall(current.read_bytes()):
                for folder in [current.parent] + folders:
                    target = folder / name.decode()
                    if target.is_file():
                        known[current].append(target.resolve())
                        break
        waiting.extend(known[current])
    return sorted(done)


def entries(build):
    """source path -> compiler command; a source that is built twice is looked at once."""
    found = {}
    for entry in json.loads((build / 'compile_commands.json').read_text()):
        path = pathlib.Path(entry['directory'], entry['file']).resolve()
        if path.suffix == '.c' and build not in path.parents:
            found.setdefault(path, entry['command'])
    return found


def options_of(command, root):
    """A compiler command without what says nothing of the verdict."""
    command = re.sub(r'-(MF|o|MQ) \S+', '', command)
    return re.sub(r'^(\S*/)?ccache ', '', command).replace(str(root), 'ROOT')


def digest(path, command, base, root, known):
    folders = [root / 'processor', root / 'tests']
    whole = hashlib.sha256(base + options_of(command, root).encode())
    for name in reached(path, folders, known):
        whole.update(str(name.relative_to(root)).encode() + name.read_bytes())
    return whole.hexdigest()


def look(path, build):
    run = subprocess.run(['clang-tidy', '--quiet', '-p', str(build), str(path)], capture_output=True, text=True)
    return run.returncode, run.stdout + ('' if run.stdout else run.stderr)


def place_of(name, build, root):
    """A finding's file as seen from the root; the tool names it from the build folder or from here."""
    path = build / name if (build / name).exists() else pathlib.Path(name)
    return os.path.relpath(os.path.realpath(path), root)


def main():
    build, cache = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    root = pathlib.Path(__file__).resolve().parents[2]
    cache.mkdir(parents=True, exist_ok=True)
    tool = subprocess.run(['clang-tidy', '--version'], capture_output=True, check=True).stdout
    base, known = tool + (root / '.clang-tidy').read_bytes(), {}
    wanted = {pathlib.Path(name).resolve() for name in sys.argv[3:]}
    waiting, all_files = [], entries(build)
    for path, command in sorted(all_files.items()):
        marker = cache / digest(path, command, base, root, known)
        if (path in wanted if wanted else True) and not marker.exists():
            waiting.append((path, marker))
    findings = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {pool.submit(look, path, build): (path, marker) for path, marker in waiting}
        for run in concurrent.futures.as_completed(runs):
            (code, text), (path, marker) = run.result(), runs[run]
            if code == 0:
                marker.touch()
                continue
            found = [FINDING.match(line) for line in text.splitlines()]
            places = [(place_of(f[1], build, root), int(f[2]), int(f[3]), f[4]) for f in found if f]
            for place in places or [(str(path.relative_to(root)), 0, 0, text.strip())]:
                if place not in findings:
                    print('{}:{}:{}: {}'.format(*place), flush=True)
                findings.add(place)
    print(f'clang_tidy_files: {len(all_files)}\nclang_tidy_looked_at: {len(waiting)}\nclang_tidy_findings: {len(findings)}')
    sys.exit(1 if findings else 0)


main()

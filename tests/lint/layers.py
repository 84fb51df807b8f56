#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refuse an include that processor/layers.txt does not allow. usage: layers.py PROCESSOR_DIR"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
SYSTEM = {p for p in """assert ctype dirent errno fcntl float getopt inttypes limits locale math netdb poll pthread
signal stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings time unistd threads sched
arpa/inet netinet/in netinet/tcp sys/epoll sys/eventfd sys/file sys/mman sys/random sys/resource sys/socket sys/stat sys/time
sys/timerfd sys/types sys/uio sys/un sys/wait sys/prctl sys/statvfs sys/utsname sys/ioctl termios execinfo malloc""".split()}


def read_layers(path):
    layers = {}
    for line in path.read_text().splitlines():
        line = line.split('#')[0].strip()
        if line:
            name, _, rest = line.partition(':')
            layers[name] = rest.split()
    return layers


def main():
    root = pathlib.Path(sys.argv[1])
    layers, bad = read_layers(root / 'layers.txt'), []
    for path in sorted(root.rglob('*.[ch]')):
        parts = path.relative_to(root).parts
        layer = parts[0] if len(parts) > 1 else 'main'
        if layer not in layers:
            bad.append(f'{path}: layer {layer} is not in layers.txt')
            continue
        allowed = layers[layer]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if not found or 'everything' in allowed:
                continue
            own, system = found.groups()
            if own:
                target = own.split('/')[0]
                if target != layer and target not in allowed:
                    bad.append(f'{path}:{number}: {layer} may not include {own}')
            elif system.removesuffix('.h') not in SYSTEM:
                if f'<{system}>' not in allowed:
                    bad.append(f'{path}:{number}: {layer} may not include <{system}>')
                elif path.suffix == '.h':
                    bad.append(f'{path}:{number}: a third-party header stays out of our headers: <{system}>')
    print('\n'.join(bad))
    sys.exit(1 if bad else 0)


main()

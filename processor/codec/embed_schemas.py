#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the newest version of every schema as a C table, so that the program needs no files at run time.
usage: embed_schemas.py OUT.c schemas/NAME/N.avsc..."""
import pathlib
import sys


def main():
    newest = {}
    for path in map(pathlib.Path, sys.argv[2:]):
        name, version = path.parent.name, int(path.stem)
        if version > newest.get(name, (0, None))[0]:
            newest[name] = (version, path)
    out = ['/* Made by embed_schemas.py from schemas/. */', '#include "codec/schemas_table.h"', '']
    for name, (_, path) in sorted(newest.items()):
        data = path.read_bytes()
        rows = [', '.join(str(b) for b in data[i:i + 20]) for i in range(0, len(data), 20)]
        out += [f'static const unsigned char text_{name}[] = {{', ',\n'.join('    ' + r for r in rows), '};']
    out += ['', 'const struct schemas_entry schemas_table[] = {']
    out += [f'    {{"{name}", text_{name}, sizeof(text_{name})}},' for name in sorted(newest)]
    out += ['};', f'const unsigned schemas_table_count = {len(newest)};', '']
    pathlib.Path(sys.argv[1]).write_text('\n'.join(out))


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Apache Avro's own test data against our schema parser and our two readers: 28 schemas to accept and 12 to refuse, 34 canonical
forms, 26 fingerprints; the values in its files, the corrupt ones refused; the blocks of its container files as opened here and by our own reader.
usage: avro_share.py SCHEMA_TOOL VALUE_TOOL CONTAINER_TOOL SOURCE_ROOT

The data is an archive found through SEGUE_SHARED, or ../shared beside the sources; without it: skipped (77)."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zlib


def cases(archive):
    """Yield (name, schema text, expected): True accept, False refuse, (canonical, fingerprint or None)."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            kind = re.search(r'schema_tests/(pass|fail)/', member.name)
            if kind and member.isfile():
                yield member.name, tar.extractfile(member).read(), kind.group(1) == 'pass'
            elif member.name.endswith('.avsc'):
                yield member.name, tar.extractfile(member).read(), True
        text = tar.extractfile('share/test/data/schema-tests.txt').read().decode()
    for number, block in enumerate(re.split(r'^// \d+$', text, flags=re.M)[1:]):
        fields = {}
        for line in re.split(r'^<<', block, flags=re.M)[1:]:
            name, _, value = line.partition(' ')
            key = name.split('\n')[0]
            if key != name:  # here-document: <<INPUT\n...\nINPUT
                value = (name + ' ' + value).split('\n', 1)[1].rsplit('\n' + key, 1)[0]
            fields[key] = value.strip()
        expected = (fields['canonical'], int(fields['fingerprint']) if 'fingerprint' in fields else None)
        yield f'schema-tests.txt {number:03}', fields['INPUT'].encode(), expected


WEATHER = 'share/test/data/weather'
# What a block must give; all others: taken whole.
REFUSED = {'lang/c/tests/avro-1237-bad-union-discriminant.avro'}
NO_CODEC = {'snappy', 'zstandard'}  # not in Python's library
VALUE_CASES = 62
MESSAGE = {'id': 42, 'name': 'Bill', 'tags': ['dog_lover', 'cat_hater']}


class Container:
    """Metadata and blocks of an Avro file; a block that is cut off ends it."""

    def __init__(self, data):
        assert data[:4] == b'Obj\x01', data[:4]
        self.data, self.at, self.meta = data, 4, {}
        while count := self.varint():
            if count < 0:
                count, _ = -count, self.varint()
            for _ in range(count):
                key = self.take(self.varint()).decode()
                self.meta[key] = self.take(self.varint())
        self.sync = self.take(16)

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return (value >> 1) ^ -(value & 1)

    def take(self, size):
        if self.at + size > len(self.data):
            raise EOFError
        self.at += size
        return self.data[self.at - size:self.at]

    def blocks(self):
        codec = self.meta.get('avro.codec', b'null').decode()
        if codec in NO_CODEC:
            return
        while self.at < len(self.data):
            try:
                count = self.varint()
                block = self.take(self.varint())
                yield count, zlib.decompress(block, -15) if codec == 'deflate' else block
                if self.take(16) != self.sync:
                    return
            except EOFError:
                return


def read_block(tool, schema, count, block):
    """-> (taken?, values); None: our two readers differ."""
    run = subprocess.run([tool, str(count), str(len(schema))], input=schema + block, capture_output=True)
    if run.returncode == 2:
        return None, run.stderr.decode()
    return run.returncode == 0, json.loads(run.stdout) if run.returncode == 0 else run.stderr.decode().strip()


def value_cases(tool, archive):
    """Yield (name, good, why) of every block, and of each cut short at a dozen places."""
    with tarfile.open(archive) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
    weather = [json.loads(line) for line in files[WEATHER + '.json'].splitlines()]
    for name in sorted(files):
        if not name.endswith('.avro') or not files[name].startswith(b'Obj'):
            continue
        container, values = Container(files[name]), []
        schema = container.meta['avro.schema']
        for number, (count, block) in enumerate(container.blocks()):
            taken, what = read_block(tool, schema, count, block)
            yield f'{name} block {number}', taken == (name not in REFUSED), what
            values += what if taken else []
            step = max(len(block) // 12, 1)
            left = [cut for cut in range(0, len(block), step) if taken and read_block(tool, schema, count, block[:cut])[0] is not False]
            yield f'{name} block {number} cut short', not left, f'taken though cut at {left}'
        if name.startswith(WEATHER) and values:
            same = values == weather if 'sorted' not in name else sorted(map(str, values)) == sorted(map(str, weather))
            yield f'{name} says what weather.json says', same, values
    folder = 'share/test/data/messageV1/'
    message, schema = files[folder + 'test_message.bin'], files[folder + 'test_schema.avsc']
    taken, what = read_block(tool, schema, 1, message[10:])
    seen = {key: what[0][key] for key in MESSAGE} if taken else what
    yield 'single object: the message', seen == MESSAGE, what


# Of these our reader must say this; of all others: the same blocks as Container.
TOLD = {
    'avro-1237-bad-union-discriminant.avro': 'byte 105: its count or size is cut off',  # a newline ends the file
    'avro-1238-truncated.avro': 'its block is cut off', 'test.avro12': 'byte 0: this is no Avro container file',
    'weather-snappy.avro': 'codec `snappy`', 'weather-zstd.avro': 'codec `zstandard`',
}
CONTAINER_CASES = 21


def container_cases(tool, archive):
    with tarfile.open(archive) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}
    for name, data in sorted(files.items()):
        if not re.search(r'\.avro(12)?$', name):
            continue
        run = subprocess.run([tool], input=data, capture_output=True)
        said, told = run.stdout.decode() + run.stderr.decode(), TOLD.get(name.split('/')[-1])
        if told is None:
            wanted = [f'{count} {block.hex()}' for count, block in Container(data).blocks()]
            yield f'{name} opened by us', run.returncode == 0 and run.stdout.decode().splitlines() == wanted, said[-300:]
        else:
            yield f'{name} opened by us: {told}', told in said, said[-300:]


def check(tool, text, expected):
    run = subprocess.run([tool], input=text, capture_output=True)
    if isinstance(expected, bool):
        return (run.returncode == 0) == expected, run.stderr.decode().strip()
    lines = run.stdout.decode().splitlines()
    good = len(lines) == 2 and lines[0] == expected[0] and expected[1] in (None, int(lines[1]))
    return good, f'{lines} {run.stderr.decode()}'


def main():
    schema_tool, value_tool, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[4])
    shared = pathlib.Path(os.environ.get('SEGUE_SHARED', root.parent / 'shared'))
    archive = shared / 'data/avro/avro-share-test.tar.xz'
    if not archive.is_file():
        print('1..0 # SKIP no data/avro/avro-share-test.tar.xz: set SEGUE_SHARED to the folder that has it')
        sys.exit(77)
    results = [(name, *check(schema_tool, text, expected)) for name, text, expected in cases(archive)]
    schemas = len(results)
    kinds = [expected for name, _, expected in cases(archive) if 'schema_tests/' in name]
    results += value_cases(value_tool, archive)
    values = len(results) - schemas
    results += container_cases(sys.argv[3], archive)
    failed = 0
    for count, (name, good, why) in enumerate(results, 1):
        failed += not good
        print(f'{"ok" if good else "not ok"} {count} - {name}' + ('' if good else f'\n# {why}'))
    print(f'1..{len(results)}')
    # So many there are: none may be lost on the way.
    sys.exit(1 if failed or (kinds.count(True), kinds.count(False)) != (28, 12) or schemas < 81 or values < VALUE_CASES or
             len(results) - schemas - values < CONTAINER_CASES else 0)


main()

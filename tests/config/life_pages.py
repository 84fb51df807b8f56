#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each life event of a pack has a page that says what its definition says. usage: life_pages.py PACK [--write]

pages/NAME.md is made from the definition (signals, counter-evidence, thresholds, tests), from the line `# Blind spots:` that
stands in it, and from the figures under `## Measured` in the pack's README.md. --write makes the pages; otherwise one that is
missing, stale or without a definition fails.
"""
import pathlib
import re
import sys

KEY = r'(?:^|, )(id|about|absent|if|weight|half_life): '
DEFAULTS = {'suspect_at': '0.3', 'confirm_at': '0.7'}
TESTS_MIN = 2


def unquoted(text):
    text = text.strip()
    if text[:1] == text[-1:] == "'":
        return text[1:-1].replace("''", "'")
    return text[1:-1].replace('\\"', '"').replace('\\\\', '\\') if text[:1] == text[-1:] == '"' else text


def folded(body, key):
    """The value of a key of the definition, on its line or folded below it; None without one."""
    found = re.search(rf'(?m)^    {key}: (.*)\n((?:      .*\n)*)', body)
    if not found:
        return None
    below = ' '.join(line.strip() for line in found[2].splitlines())
    return below if found[1].strip() == '>-' else unquoted(re.sub(r'\s+# .*$', '', found[1]))


def evidence(body):
    """[{id, about, if, weight, ..}] of one definition."""
    out = []
    for line in re.findall(r'(?m)^      - \{(id: .*)\}$', body):
        parts = re.split(KEY, line)
        out.append({key: unquoted(value) for key, value in zip(parts[1::2], parts[2::2])})
    return out


def code(text):
    return f'`{text}`'


def signals(title, rows):
    if not rows:
        return ''
    lines = [f'\n## {title}\n', '| id | what it means | weight | fades by half in | holds when |', '|---|---|---|---|---|']
    for row in rows:
        absent = [f'nothing came: `{row["absent"].strip("{}")}`'] if 'absent' in row else []
        when = ' and '.join(absent + ([code(row['if'])] if 'if' in row else [])).replace('|', '\\|')
        lines.append(f'| `{row["id"]}` | {row.get("about", "")} | {row["weight"]} | {row.get("half_life", "at once")} | {when} |')
    return '\n'.join(lines) + '\n'


def page(name, body, blind, figures):
    given = evidence(body)
    threshold = {key: folded(body, key) or otherwise for key, otherwise in DEFAULTS.items()}
    lasts = f'over after {folded(body, "expires")}' if folded(body, 'expires') else 'never over by time alone'
    primary, absent = folded(body, 'when'), folded(body, 'absent')
    out = f'# {name}: {folded(body, "about")}\n\nMade from the definition by tests/config/life_pages.py; edit that.\n'
    out += f'\nSuspected at evidence {threshold["suspect_at"]}, confirmed at {threshold["confirm_at"]}, {lasts}.'
    policy = folded(body, 'policy')
    out += f' Contact: {policy.strip("{}")}.\n' if policy else '\n'
    if primary or absent:
        weight = folded(body, 'weight') or ('0.7' if given else '1')
        out += f'\n## Primary condition (weight {weight})\n\n'
        out += f'- nothing came: `{absent.strip("{}")}`\n' if absent else ''
        out += f'- {code(primary)}\n' if primary else ''
    out += signals('Signals', [row for row in given if float(row['weight']) > 0])
    out += signals('Counter-evidence', [row for row in given if float(row['weight']) < 0])
    for key, title in (('unless', 'Refuted by'), ('ends', 'Over when')):
        if folded(body, key):
            out += f'\n## {title}\n\n{code(folded(body, key))}\n'
    curve = folded(body, 'calibration')
    if curve:
        out += f'\n## Confidence\n\nEvidence and how often so much of it was right (straight lines between): `{curve}`.\n'
    out += f'\n## Known blind spots\n\n{blind[0].upper()}{blind[1:]}.\n\n## Measured\n\n{figures}\n'
    tests = re.findall(r'(?m)^      - name: (.*)\n(?:        .*\n)*?        expect: (.*)$', body)
    out += '\n## Tests\n\n' + ''.join(f'- {title}: {expect}\n' for title, expect in tests)
    return out, tests


def measured(readme, name):
    part = readme.partition('<!-- figures -->\n')[2].partition('<!-- end -->')[0]
    seeds, head, row = part.split('\n', 1)[0], re.search(r'(?m)^\| event \| (.*) \|$', part), re.search(rf'(?m)^\| `{re.escape(name)}` \| (.*) \|$', part)
    if not head or not row:
        return None
    worlds = [cell.split(':')[0] for cell in head[1].split(' | ')]
    lines = [f'| {world} | {cell.replace(", ", " | ")} |' if cell != '-' else f'| {world} | does not happen there | | |'
             for world, cell in zip(worlds, row[1].split(' | '))]
    return f'{seeds}\n\n| world | precision / recall / F1 | median delay | false alarms /1000/month |\n|---|---|---|---|\n' + '\n'.join(lines)


def main():
    pack, write = pathlib.Path(sys.argv[1]), '--write' in sys.argv
    readme, wrong, made = (pack / 'README.md').read_text(encoding='utf-8'), [], set()
    for path in sorted(pack.glob('*.yaml')):
        text = path.read_text(encoding='utf-8').partition('life_events:\n')[2]
        for name, body in re.findall(r'(?m)^  ([\w.]+):\n((?:(?:    .*)?\n)*)', text):
            blind, figures = re.search(r'(?m)^    # Blind spots: (.*)$', body), measured(readme, name)
            if not blind or not figures:
                wrong.append(f'{name}: ' + ('no figures in README.md' if blind else f'no line `# Blind spots:` in {path.name}'))
                continue
            content, tests = page(name, body, blind[1], figures)
            target = pack / 'pages' / f'{name}.md'
            made.add(target.name)
            if len(tests) < TESTS_MIN or len({expect for _, expect in tests}) < 2:
                wrong.append(f'{name}: wants tests both ways')
            if f'(pages/{name}.md)' not in readme:
                wrong.append(f'{name}: README.md does not name its page')
            if write:
                target.parent.mkdir(exist_ok=True)
                target.write_text(content, encoding='utf-8')
            elif not target.exists() or target.read_text(encoding='utf-8') != content:
                wrong.append(f'{target}: not what the definition says; life_pages.py {pack} --write')
    wrong += [f'{path}: no such life event' for path in sorted((pack / 'pages').glob('*.md')) if path.name not in made]
    wrong += [] if made else [f'{pack}: no life event found']
    print(*wrong, sep='\n')
    sys.exit(1 if wrong else 0)


if __name__ == '__main__':
    main()

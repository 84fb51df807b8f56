# SPDX-License-Identifier: Apache-2.0
"""Small plots as SVG, without a library: shares over bins as stepped lines, readable on light and dark pages."""
from xml.sax.saxutils import escape

COLOURS = ('#444444', '#0072b2', '#d55e00', '#009e73')  # told apart by the colour-blind too
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 260, 52, 12, 44, 40


def text(x, y, words, anchor='middle', size=12):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def number(value):
    return f'{value:.2f}'.rstrip('0').rstrip('.')


def steps(title, axis, edges, curves):
    """curves: name -> a share for each bin between two edges."""
    low, high = edges[0], edges[-1]
    most = max([share for curve in curves.values() for share in curve] + [0.01]) * 1.05

    def x(value):
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(share):
        return HEIGHT - BOTTOM - share / most * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img">',
           f'<title>{escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           text(LEFT, 16, title, 'start', 13), text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, axis)]
    for i in range(5):
        share = most * i / 4
        out.append(f'<path d="M{LEFT} {y(share):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>' +
                   text(LEFT - 6, y(share) + 4, f'{share * 100:.0f} %', 'end', 11))
    for i in range(0, len(edges), max(1, len(edges) // 8)):
        out.append(text(x(edges[i]), HEIGHT - BOTTOM + 16, number(edges[i]), size=11))
    for place, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = f'M{x(low):.1f} {y(0):.1f}' + ''.join(
            f'V{y(share):.1f}H{x(edges[i + 1]):.1f}' for i, share in enumerate(curve)) + f'V{y(0):.1f}'
        out.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        out.append(f'<path d="M{LEFT + place * 130} 30h18" stroke="{colour}" stroke-width="3"/>' +
                   text(LEFT + place * 130 + 24, 34, name, 'start', 12))
    return '\n'.join(out) + '\n</svg>\n'

"""The measured table as one picture: bars of relative speed, in SVG that follows the reader's light or dark mode."""

from html import escape

WIDTH, LEFT, RIGHT = 960, 430, 110  # labels stand left of the bars, figures right of them
SVG = "http://www.w3.org/2000/svg"
ROW, HEADING, TOP, BOTTOM = 20, 30, 74, 34
FARTHEST = 2.0  # what is more than twice as fast is cut off; the figure says how fast it is

STYLE = """
    .page { fill: #ffffff } text { fill: #1f2328; font-size: 13px; font-family: system-ui, sans-serif }
    .quiet { fill: #59636e } .title { font-size: 16px; font-weight: 600 } .heading { font-weight: 600 } .end { text-anchor: end }
    .middle { text-anchor: middle } .small { font-size: 11px }
    .grid { stroke: #d1d9e0 } .one { stroke: #1f2328; stroke-width: 1.5 } .noise { stroke: #1f2328 }
    .goal { stroke: #1f2328; stroke-width: 2.5 } .yes { fill: #4aa564 } .near { fill: #d9a520 } .no { fill: #d1504b }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #3d444d }
      .one, .noise, .goal { stroke: #f0f6fc } .yes { fill: #2f8148 } .near { fill: #a87d12 } .no { fill: #b8403b }
    }
"""


def draw(rows, about):
    """Rows that have a goal, those with the same opponent together."""
    groups = {}
    for row in rows:
        if row.must_reach:
            groups.setdefault(f"against {row.against} ({measured_in(row)})", []).append(row)

    parts = []
    y = TOP
    for heading, members in groups.items():
        parts.append(text(16, y + HEADING - 10, heading, "heading"))
        y += HEADING
        for row in members:
            parts.append(bar(row, y))
            y += ROW
    height = y + BOTTOM
    frame = [
        f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        "<title>projectalpha_store measured against plain PostgreSQL</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="6"/>',
        text(16, 28, "How fast, with the plain way as 1×", "title"),
        text(16, 48, "Longer is better. Thick mark: must be reached. Thin line: spread of the rounds.", "quiet"),
        *axis(height),
    ]
    footer = "; ".join([about["machine"], f"PostgreSQL {about['postgresql']}", about["measured_at"][:10],
                        f"commit {about['commit']}"])
    return "\n".join([*frame, *parts, text(16, height - 12, footer, "quiet small"), "</svg>"]) + "\n"


def measured_in(row):
    return "server CPU" if "CPU" in row.unit else "memory" if row.unit == "MB" else row.unit


def axis(height):
    for tenths in range(0, int(FARTHEST * 10) + 1, 5):
        place = x(tenths / 10)
        kind = "one" if tenths == 10 else "grid"
        yield line(kind, place, place, TOP, height - BOTTOM + 4)
        yield text(place, TOP - 6, f"{tenths / 10:g}×", "quiet small middle")


def bar(row, y):
    speed = faster(row, row.ratio)
    goal = faster(row, row.must_reach.bound)
    noise = row.noise_percent / 100
    middle = y + ROW / 2
    kind = {"yes": "yes", "NO": "no"}.get(row.verdict, "near")
    figure = f"{speed:.1f}×" if speed >= 10 else f"{speed:.2f}×"
    if kind != "yes":
        figure += f" of {goal:.2f}×"
    parts = [
        text(LEFT - 12, middle + 4, row.work, "end"),
        f'<rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{x(speed) - LEFT:.1f}" height="{ROW - 6}" rx="2"/>',
        text(WIDTH - RIGHT + 8, middle + 4, figure, ""),
    ]
    if speed < FARTHEST:
        parts.append(line("noise", x(speed / (1 + noise)), x(speed * (1 + noise)), middle, middle))
    else:
        # Cut off: a gap across the bar.
        parts.append(f'<path class="page" d="M{x(FARTHEST) - 14:g} {y + ROW} l6 -{ROW} h4 l-6 {ROW} z"/>')
    if goal < FARTHEST:
        parts.append(line("goal", x(goal), x(goal), y + 1, y + ROW - 1))
    return "".join(parts)


def faster(row, ratio):
    """Any ratio as "so many times as fast": half the CPU is twice as fast."""
    return 1 / ratio if row.lower_is_better else ratio


def x(speed):
    return LEFT + min(speed, FARTHEST) / FARTHEST * (WIDTH - RIGHT - LEFT)


def text(left, baseline, words, kind):
    return f'<text class="{kind}" x="{left:g}" y="{baseline:g}">{escape(words)}</text>'


def line(kind, x1, x2, y1, y2):
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:g}" y2="{y2:g}"/>'

"""Every number by which pictures are judged, in one table: what it is, and why it has this value.

The numbers were chosen on set A of `benchmarks/pictures.py` (scenes of its own; its figures come from set B). "Levels"
are steps of an 8-bit luminance, 0 to 255.
"""

from __future__ import annotations

# ---- taking a picture in

MAX_BYTES = 4_000_000
"""Largest JPEG that is looked at: four times the largest snapshot seen in the field (1 MB)."""
MAX_PIXELS = 16_000_000
"""Largest picture, from its header: the largest common camera has 12 million pixels."""
MAX_SCANS = 32
"""Passes over a progressive JPEG. An encoder writes about 10; a hostile file thousands, each as dear as a picture."""
LONG_SIDE = 320
"""What the analysis sees: the longer side in pixels. A face or a plate that is lost here was blurred for people too."""
CELL = 5
"""Side of a cell of the structure, in pixels of the small picture: 1/64 of the width, under 2 degrees of a 90-degree
lens. Small shake (up to 2 cells) stays within it, a turn by 10 degrees is 7 cells."""
BAND = 20
"""Rows at the top and at the bottom that are not looked at (11 % each): clock, name and logo stand there."""

# ---- when a fault is said

PICTURES = 3
"""A fault is said, and taken back, after so many pictures in a row: one picture may hold a lorry, a face, a flash."""
SPAN_MS = 120_000
"""... over at least this time: three pictures within seconds may show the same lorry."""
LEARNT = 4
"""Pictures of a kind (day, dark, infrared) before comparing with them; before, what needs a comparison is untold."""
MEMORY_LENGTH = 40
"""Weight of a reference that learns: an older picture counts less and less, so that leaves and seasons may pass."""
CLEARER = 1.3
"""Contrast to the reference's, above which that was learnt in fog or rain, and is renewed at once."""
YOUNG = 150
"""Pictures: two days, or nights, at the usual pace."""
RENEWED_MS = 7_200_000
"""... and from so many pictures on it takes one in two hours, so that its memory is a week of days or of nights: a
wedding's tent that stood for two days is not missed when it has gone."""

# ---- comparing with the reference

GREY_BELOW = 0.3
"""Chroma, in levels: below, a picture is infra-red (0). By day it is 2 and more, in the thickest fog at night 0.13."""
DAY, NIGHT = (7.0, 17.0), (19.0, 4.75)
"""Hours in which the sun is up, and in which it is down, anywhere in Vietnam on any day; between, either may be. A wall
in a lamp's light is as bright as by day, and shows what daylight does not."""
BRIGHT_ABOVE = 150
"""Mean luminance: above, a grey picture is one of fog or of a black-and-white camera by day."""
DARK_BELOW = 60
"""Mean luminance in twilight: below, a picture in colour is compared with dark ones first."""
NEAR = 1.5
"""Up to so many times brighter or darker than that, it is compared with both."""
SHAKE = 2
"""Cells, 3 % of the width: what wind and a warm mast do, and what is no turn."""
BLOCK = 4
"""Cells a side of a block: 16 x 7 blocks."""
EDGE = 8.0
"""Mean squared Laplacian at half resolution, in levels squared: a block of the reference holds something from an
edge of 6 levels through it on."""
LIVELY = 20.0
"""... and a block of a picture has a clear edge from 10 levels on (and 20 times the noise's variance)."""
STRUCTURED = 0.25
"""Mean length of a block's directions in the reference, above which the block holds structure that stays."""
HELD_ABOVE = 0.35
"""Agreement of a block with the reference, to the reference's with itself: above, the block shows what it did."""
GONE_BELOW = 0.3
"""Contrast of a block that does not, to the reference's: below, it shows nothing."""
CLIPPED = 245
"""Level from which a pixel is one of a glare."""
DAZZLED = 0.25
"""Share of a block's pixels: from here on a headlight, the sun or an insect before the lamp hides it and its
neighbours, which then say nothing of a cover. Where that is most of the picture it is overexposed."""
FEW = 6
"""Blocks: contrast and sharpness are not told from fewer."""
WEAK_BELOW = 0.6
"""Detail of a block to the reference's: below, it may be soft. A light that glares adds, and takes nothing
away."""
SOFT_BELOW = 0.5
"""... and at the same time its detail to its coarse shape, to the reference's: fog takes both away, a smear
the detail."""

# ---- what one picture shows

BLACK_HIGH = 20
"""99th percentile of luminance: below, nothing is to be seen. Lit by one lamp far away it is above 90."""
WHITE = 0.35
"""Share of clipped pixels: headlights and insects right before an infra-red lamp came to 0.18, a blinded sensor
begins at 0.4."""
WHITE_UNKNOWN = 0.8
"""... where no reference is known. Where it has no structure nobody can tell: a white wall in the sun is clipped for
hours."""
WHITE_MORE = 0.25
"""... and so much more than the reference has, where white walls and sky are clipped every day."""
WHITE_HELD = 0.72
"""Agreement: above, what the reference holds is still to be seen, and what is clipped holds nothing, as a wall in the
sun. A blinded sensor left up to 0.6."""
FLAT_ROWS = 0.15
"""Share of the height that is one even surface up to the lower edge: what a decoder makes of rows that never came."""
FLAT_ABOVE, FLAT_BELOW = 20, 225
"""... and neither black, as a dark night may be, nor white, as a wall in the sun is."""
USUAL = 0.5
"""Share of a reference's pictures whose codes were broken, from which on that is how this camera writes them."""
STRUCTURED_SHARE = 0.15
"""Share of blocks with structure: an empty wall has less, and then nobody can tell whether the camera turned."""
STRUCTURED_YOUNG, SETTLED = 0.28, 40
"""... this share of them by day (streets, yards and lanes had 0.48 and more, walls with shadows 0.2), and while the
reference has fewer pictures than so many: what a wall's first pictures have in common goes as more are learnt."""
IN_PLACE = 0.4
"""Agreement: above, the view is right. Good pictures of all weathers had 0.5 to 1, turned cameras
up to 0.39."""
CHANCE = 0.2
"""Agreement that two pictures of different places may have: covered and turned ones stayed under it, mostly
under 0.1."""
AWAY_ABOVE = 0.3
"""Agreement at another shift, above which the old view is found within the new one."""
LIVELY_SHARE = 0.08
"""Share of blocks with clear edges that a picture of another view has at least; a cover has none."""
HELD_ELSEWHERE = 0.5
"""Share of structured blocks that are held: above, it is no other view, whatever stands before it."""
LIVELY_MUCH, OTHER_MUCH = 0.55, 0.8
"""... and with so much of both it is another view, though half of the old structure is gone: a road has little."""
OTHER_SHARE = 0.6
"""Share of these that do not belong to the reference. With a leaf over most of the lens, the rest belongs to it."""
BLANK = 0.5
"""Share of structured blocks that show nothing: from here on covered, though the rest may show something else."""
LIVELY_SOME, BLANK_QUIET = 0.3, 0.35
"""... or this share, where fewer blocks than that have clear edges: another view would have more of them."""
COVERED = 0.12
"""Share of structured blocks that show nothing: a lorry or a person close by covers less, or goes."""
OTHER_LITTLE, COVERED_QUIET = 0.25, 0.08
"""... or this share, where hardly any clear edge is new: a leaf brings none, a lorry or a tent its own (0.3)."""
OPAQUE_BELOW = 0.18
"""Agreement left within those: fog left 0.19 to 0.6, cloth, paint and leaves mostly under 0.1, 0.17 in one of 20."""
SOLID = 0.15
"""Share of structured blocks that show nothing: from here on covered though a trace is left, if all else has its full
contrast (`FULL`): a smear lets a little through."""
SOLID_BELOW = 0.35
"""... and the trace is less than this."""
TAKES = 0.2
"""Blocks gone, to blocks with clear edges that are not the reference's: a leaf takes more away than it brings, what
stands there brings edges of its own (a tent took 0.05 of the picture and brought 0.4)."""
COMES = 0.06
"""Share of structured blocks that are gone, soft or lost, and were not in the picture before: less comes with fog."""
LEAP, LATELY_MS = 0.5, 1_500_000
"""Share of structured blocks that lost their contrast since a clear picture of some minutes ago (two intervals)."""
CLEAR_BEFORE = 0.12
"""Share of them that had lost it by then: below, that was a clear one; fog takes an hour, and is seen to come."""
LEAP_PATCHY, LEAP_SHARP = 0.4, 0.8
"""... and unevenly, as by `patchy`, or detail more than shape, as by `sharp`: fog that came fast had 0.37 and 1."""
FOGGY_BEFORE, FOGGY_AT_NIGHT = 0.4, 0.15
"""... and above (the second in a lamp's light, of all but a cover), it was one of fog, which becomes uneven: nothing is
said then of smears and of another view that is not found ..."""
COMES_IN_FOG = 0.4
"""... and of a cover where so much more of the structured blocks shows nothing than did in the picture before."""
SOME = 0.04
"""Share of all blocks that must be gone or soft, at least five: a scene with little structure is not judged by one."""
FULL, OTHER_LIGHT = 0.8, 2.0
"""Contrast of the blocks that are held: above, there is no fog; further above, it is another light's."""
CLEAR = 0.6
"""Contrast of the blocks that are held: below, fog lies over all of the picture and may hide the rest. Beside a leaf
they keep theirs (0.7 to 1.3), fog left 0.2 to 0.55."""
FAINT = 0.35
"""Contrast of the blocks that are held: below, with clear edges elsewhere, it is fog at night; a cover over most of
the picture leaves more to the rest, or no clear edge at all."""
SOFT_SHARE = 0.15
"""Share of structured blocks that lost their detail and kept their shape: smears on the glass."""
SOFT_SOME = 0.12
"""... and this share where contrast is lost unevenly as well."""
LOST_BELOW = 0.5
"""Contrast of a block to the reference's: below, it is lost to a good part, by fog or by a smear."""
LOST_SHARE = 0.25
"""Share of structured blocks that are lost ..."""
PATCHY = 0.52
"""... and by how many octaves contrast differs from block to block, on the mean: fog thickens slowly over the picture,
a smear begins and ends within a block. Fog and rain came to 0.1 to 0.45, dirt to 0.5 to 1."""
PATCHY_IN_FOG = 0.7
"""... or by so many where all contrast is low and detail is not lost more than it: fog in the infra-red lamp (0.6)."""
SOFT_ALL = 0.5
"""... from here on blurred, though some blocks show nothing: far out of focus."""
BLURRED_BELOW = 0.72
"""Fine to coarse detail, to the reference's. Good pictures (rain, fog, JPEG quality 30) had 0.8 to 1.3; a blur of 0.3 %
of the picture's width, where a plate becomes unreadable, 0.3 to 0.7."""
FROZEN_TILES = 12
"""Tiles that hold something, of 112: with fewer, sameness says nothing (a black night is always the same)."""
FROZEN_SHARE = 0.95
"""Of these, equal to the last pixel. A sensor's noise changes every tile; a second overlay may go on in one or two."""

# ---- PTZ cameras

VIEWS = 8
"""Views that one camera may have, 6 to 20 kB each."""
VIEWS_LEARNT = 150
"""Pictures in which a PTZ camera may add views by itself, and is not called turned: a day at the usual pace."""

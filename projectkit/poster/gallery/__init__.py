"""The wall: the posters of a course as a site of plain files, to be opened from a folder or put on any server.

Everything that a team hands in is taken as data: texts are escaped where the page of a poster does it, addresses must be of the web,
pictures are decoded and encoded anew, files outside the team's folder are not read, and no page of theirs is copied. The site works from
`file://` and without a script; the script adds the search and the wall that pans and zooms. Same input, same bytes.

| file | subject |
|---|---|
| making.py | `make_gallery`: from folders to a site, all or nothing |
| places.py | which folder holds a poster, and whether what is built there is up to date |
| building.py | posters built in processes of their own |
| entry.py | a team's `poster.json`, read with care |
| numbers.py | the posters' numbers and the names of their folders |
| pictures.py | a poster's picture, and a small one |
| frame.py | what all pages have in common |
| wall.py | `index.html`: all posters, with the index of the search |
| team.py | a page a team |
| prints.py | to print: the session's plan, a sheet of QR codes |
| assets/ | the look and the script |
"""

from __future__ import annotations

from projectkit.poster.gallery.building import Failure as Failure
from projectkit.poster.gallery.making import Gallery as Gallery
from projectkit.poster.gallery.making import make_gallery as make_gallery

__all__ = ["Failure", "Gallery", "make_gallery"]

"""The course's data sets, one file each, which defines `CARD`; the catalogue imports a card when it is asked for."""

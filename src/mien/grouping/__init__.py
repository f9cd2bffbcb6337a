"""People from faces, without names and without being told how many."""

from mien.grouping.group import Grouping, group
from mien.grouping.rule import GroupingRule

__all__ = ["Grouping", "GroupingRule", "group"]

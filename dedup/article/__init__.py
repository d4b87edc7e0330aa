"""Article, and how strings, mappings, objects and rows of data frames become articles."""

from dedup.article.dates import read_zone as read_zone
from dedup.article.items import data_frame_of as data_frame_of
from dedup.article.items import frame_of as frame_of
from dedup.article.items import items_of as items_of
from dedup.article.reader import read_articles as read_articles
from dedup.article.types import FIELDS as FIELDS
from dedup.article.types import Article as Article
from dedup.article.types import Batch as Batch
from dedup.article.types import Refusal as Refusal

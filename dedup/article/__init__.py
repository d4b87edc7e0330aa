"""Article, and how strings, mappings, objects and rows of data frames become articles."""

from dedup.article.columns import Columns as Columns
from dedup.article.columns import UsualName as UsualName
from dedup.article.columns import field_of as field_of
from dedup.article.dates import read_date as read_date
from dedup.article.dates import read_zone as read_zone
from dedup.article.ids import ALLOWED_ID as ALLOWED_ID
from dedup.article.ids import id_of as id_of
from dedup.article.items import data_frame_of as data_frame_of
from dedup.article.items import frame_of as frame_of
from dedup.article.items import items_of as items_of
from dedup.article.reader import read_articles as read_articles
from dedup.article.refusals import DUPLICATES as DUPLICATES
from dedup.article.refusals import ERRORS as ERRORS
from dedup.article.refusals import Duplicates as Duplicates
from dedup.article.refusals import Errors as Errors
from dedup.article.refusals import FieldError as FieldError
from dedup.article.refusals import repetition as repetition
from dedup.article.texts import TextArticles as TextArticles
from dedup.article.texts import texts_alone as texts_alone
from dedup.article.types import FIELDS as FIELDS
from dedup.article.types import Article as Article
from dedup.article.types import Batch as Batch
from dedup.article.types import Refusal as Refusal
from dedup.article.types import of_plain as of_plain
from dedup.article.types import with_residue as with_residue
from dedup.article.urls import canonical_url as canonical_url

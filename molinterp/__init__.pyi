from . import data as data
from .batch.table import interpolate_table as interpolate_table
from .errors import InputError as InputError
from .errors import MolinterpError as MolinterpError
from .model.bundle import Bundle as Bundle
from .model.protocol import LatentModel as LatentModel
from .paths.interpolate import interpolate as interpolate
from .paths.interpolate import interpolate_several as interpolate_several
from .paths.interpolate import solve as solve
from .paths.library import Library as Library
from .paths.library import known_smiles as known_smiles
from .paths.median import median as median
from .paths.path import MoleculePath as MoleculePath
from .paths.request import PathRequest as PathRequest
from .sklearn import LatentEncoder as LatentEncoder

__version__: str

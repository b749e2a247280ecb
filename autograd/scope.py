"""Which part of a model a node belongs to, for the picture's frames."""


class Scope(str):
    """A label that is a dotted path, such as "layers.0.neurons.1.w.0".

    Parameters are labelled with their path in the model, the result of a module with the module's
    own. The picture frames what lies between: the nodes that depend on the parameters below a path,
    up to the result that carries it. A plain str as a label is only a name.
    """

    __slots__ = ()

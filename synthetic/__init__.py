"""A synthetic South Somerset: a calibrated population and the deliveries that its care would send.

Nobody in it exists. It shares the names of the contracts with the pipeline and nothing else.
"""

from synthetic.county import Synthesis, synthesise

__all__ = ["Synthesis", "synthesise"]

"""Short reports for the tests of an index, long enough for two of one event to be a story."""

# The second is similar to the first and to the third, which have nothing in common.
TRAIN = (
    "Kim Jong Un boarded his armoured train in Pyongyang on Monday evening, waved off by an honour guard and rows of "
    "officials, and crossed the river at Khasan before dawn on his way to Vladivostok."
)
BRIDGE = (
    "His armoured train left Pyongyang on Monday evening, with an honour guard and rows of officials to wave off Kim "
    "Jong Un, and crossed the river at Khasan before dawn; Putin inspected rockets at the Vostochny cosmodrome, asked "
    "engineers about the delayed launch pad and promised that satellites would be assembled there."
)
ROCKETS = (
    "Putin inspected rockets at the Vostochny cosmodrome in Amur, asked engineers about the delayed launch pad, and "
    "promised that satellites would be assembled there from next spring."
)
BANK = "The European Central Bank raised its key interest rate to 4 percent and hinted that it was done."

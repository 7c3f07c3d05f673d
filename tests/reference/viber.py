"""Verifies webhooks as Viber's own library does. One JSON object a line in, one a line out:

    {"op": "verify", "secret", "body", "headers"}   ->  {"verified": true | false}
"""

import json
import sys

from viberbot import Api
from viberbot.api.bot_configuration import BotConfiguration


def verified(question):
    """Whether the library takes the body with this signature."""
    bot = Api(BotConfiguration(name="", avatar="", auth_token=question["secret"]))
    return bot.verify_signature(question["body"].encode(), question["headers"]["x-viber-content-signature"])


def main():
    """Answers until the input ends."""
    for line in sys.stdin:
        question = json.loads(line)
        try:
            said = {"verified": verified(question)}
        except Exception as error:  # whatever the library raises is the answer
            said = {"fault": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


main()

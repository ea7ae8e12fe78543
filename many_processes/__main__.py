"""Start one of many processes: python -m many_processes --redis=redis://localhost:6379

It takes all options of chat.py but --db: the conversation is in Redis.
"""

import asyncio
import sys

import chat

try:
    from many_processes.cut_off import Application
    from many_processes.redis_room import RedisError, RedisRoom, redis_client
except ImportError as error:
    sys.exit(f"many_processes: {error}. It needs: pip install 'redis[hiredis]>=6'")

HELP = "redis://HOST:PORT/NUMBER, as of all processes of this chat"

parser = chat.option_parser()
# Or --help would speak of __main__.py.
parser.prog = "python -m many_processes"
parser.add_argument(
    "--redis", type=redis_client, default="redis://localhost:6379", help=HELP)
options = parser.parse_args()
try:
    asyncio.run(chat.main(options, RedisRoom(options.redis), Application))
except RedisError as error:  # at the start; later the room lives through all of them
    reason = str(error).rstrip(".")
    sys.exit(f"many_processes: Redis cannot be used: {reason}. Try another --redis.")

"""Check a media shard against its index before anything trains on it."""

import tarfile
from pathlib import Path

from wavbrivl.errors import UserError
from wavbrivl.files import read_json, sha256_of
from wavbrivl.shards.reader import MediaShards
from wavbrivl.shards.writer import index_path

_NEEDED = {"flac", "360.jpg", "64.png", "json"}


def verify_shard(tar: Path, decode: bool = False) -> int:
    """Check checksum, order, number and place of the members.

    Args:
        decode: also decode every sound and picture.

    Returns:
        How many clips the shard holds.

    Raises:
        UserError: says what is wrong with which file.
    """
    index = read_json(index_path(tar))
    if sha256_of(tar) != index["sha256"]:
        raise UserError(f"{tar} does not have the checksum that its index gives")
    listed = {
        f"{clip['clip_id']}.{ext}": tuple(place)
        for clip in index["clips"]
        for ext, place in clip["members"].items()
    }
    with tarfile.open(tar, "r:") as archive:
        found = {member.name: (member.offset_data, member.size) for member in archive}
    if found != listed:
        raise UserError(f"{tar} and its index disagree on {min(set(found.items()) ^ set(listed.items()))[0]}")
    if list(found) != sorted(found):
        raise UserError(f"{tar}: the members are not sorted")
    for clip in index["clips"]:
        if not set(clip["members"]) >= _NEEDED:
            raise UserError(f"{tar}: clip {clip['clip_id']} lacks {min(_NEEDED - set(clip['members']))}")
    if decode:
        _decode(MediaShards([tar]))
    return len(index["clips"])


def _decode(shards: MediaShards) -> None:
    for i, clip in enumerate(shards.clips):
        if len(shards.audio(i)) != clip.n_samples or shards.meta(i)["clip_id"] != clip.clip_id:
            raise UserError(f"{shards.tars[clip.shard]}: clip {clip.clip_id} is not what the index says")
        for frame in range(shards.frames(i)):
            for size in (360, 64):
                if shards.image(i, size, frame).shape != (size, size, 3):
                    raise UserError(
                        f"{shards.tars[clip.shard]}: clip {clip.clip_id} has a frame of the wrong size"
                    )

import torch

from webui.training.lesson import lesson


def of(step, seed=1, groups=(range(5),), batch=3, silence=0.5, flip=True):
    return lesson(seed, step, groups, batch, silence, flip=flip)


def test_follows_from_seed_and_step_alone():
    one, same, later, other = of(7), of(7), of(8), of(7, seed=2)
    assert one.pictures == same.pictures
    assert one.mirrored == same.mirrored
    assert torch.equal(one.shares, same.shares)
    noise = [torch.randn(8, generator=each.generator) for each in (one, same, later, other)]
    assert torch.equal(noise[0], noise[1])
    assert not torch.equal(noise[0], noise[2])
    assert not torch.equal(noise[0], noise[3])


def test_each_picture_is_seen_once_before_any_is_seen_again():
    seen = [picture for step in range(5) for picture in of(step).pictures]
    assert len(seen) == 15
    for turn in range(3):
        assert sorted(seen[turn * 5 : turn * 5 + 5]) == [0, 1, 2, 3, 4]
    assert seen[:5] != seen[5:10] or seen[5:10] != seen[10:]


def test_noise_is_spread_over_the_table():
    shares = of(3, batch=8).shares
    assert [int(share * 8) for share in shares] == list(range(8))


def test_only_so_many_captions_are_left_out():
    silent = [flag for step in range(200) for flag in of(step, silence=0.1).silent]
    assert 0.06 < sum(silent) / len(silent) < 0.14
    assert not any(flag for step in range(50) for flag in of(step, silence=0).silent)
    assert all(flag for step in range(50) for flag in of(step, silence=1).silent)


def test_mirrors_half_of_them_if_asked_to():
    mirrored = [flag for step in range(200) for flag in of(step).mirrored]
    assert 0.44 < sum(mirrored) / len(mirrored) < 0.56
    assert not any(flag for step in range(50) for flag in of(step, flip=False).mirrored)


def test_a_step_looks_at_one_group_and_each_group_as_often_as_it_has_pictures():
    groups = [[0, 2, 4, 6, 8, 9], [1, 3], [5], [7]]
    steps = [of(step, groups=groups, batch=2).pictures for step in range(60)]
    assert all(any(set(pictures) <= set(group) for group in groups) for pictures in steps)
    assert steps[:10] != steps[10:20]
    for turn in range(6):
        seen = [picture for pictures in steps[turn * 10 : turn * 10 + 10] for picture in pictures]
        assert sorted(seen) == sorted([*range(10)] * 2)


def test_each_of_a_group_is_seen_once_before_any_is_seen_again():
    groups = [[0, 1, 2, 3, 4], [5, 6]]
    seen = [p for step in range(70) for p in of(step, groups=groups, batch=3).pictures if p < 5]
    assert len(seen) == 150
    for turn in range(30):
        assert sorted(seen[turn * 5 : turn * 5 + 5]) == [0, 1, 2, 3, 4]

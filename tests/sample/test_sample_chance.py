import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.sample.chance import draw, draw_between, draw_quantile, draw_several, open_stream, pick, table


def test_a_stream_is_the_same_on_every_machine_and_python():
    rng = open_stream(7, 0)

    assert [draw_between(rng, 0, 999) for _ in range(6)] == [899, 124, 700, 737, 233, 680]


def test_streams_of_adjacent_letters_differ():
    assert open_stream(7, 0).random() != open_stream(7, 1).random() != open_stream(8, 1).random()


def test_values_are_drawn_in_proportion_to_their_weights():
    rng, choices = open_stream(1, 1), table([("often", 3.0), ("never", 0.0), ("seldom", 1.0)])

    drawn = [draw(rng, choices) for _ in range(4000)]

    assert drawn.count("often") / 4000 == pytest.approx(0.75, abs=0.03)
    assert "never" not in drawn


@given(st.integers(), st.integers(0, 50), st.integers(0, 50))
def test_whole_numbers_stay_within_their_bounds(seed, low, extra):
    assert low <= draw_between(open_stream(seed, 0), low, low + extra) <= low + extra


@given(st.integers(), st.lists(st.integers(0, 5000), min_size=7, max_size=7).map(sorted))
def test_quantile_draws_stay_within_the_outer_quantiles(seed, quantiles):
    assert quantiles[0] <= draw_quantile(open_stream(seed, 0), quantiles) <= quantiles[-1]


def test_half_of_quantile_draws_are_below_the_median():
    rng = open_stream(2, 2)

    drawn = [draw_quantile(rng, (0, 5, 25, 50, 75, 95, 100)) for _ in range(4000)]

    assert sum(value < 50 for value in drawn) / 4000 == pytest.approx(0.5, abs=0.03)


@given(st.integers(), st.lists(st.integers(), unique=True, max_size=8), st.integers(0, 10))
def test_several_draws_are_different_values(seed, values, count):
    drawn = draw_several(open_stream(seed, 0), values, count)

    assert len(drawn) == len(set(drawn)) == min(count, len(values))
    assert set(drawn) <= set(values)


@given(st.integers(), st.lists(st.integers(), min_size=1))
def test_a_pick_is_one_of_the_values(seed, values):
    assert pick(open_stream(seed, 0), values) in values

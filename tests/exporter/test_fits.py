"""Which candidates fit which devices."""

import pytest

import shared.estimator
from exporter.candidates import Candidate
from exporter.fits import Fitting, Place, groups
from shared.catalog.catalog import Catalog
from tests.exporter.fake_estimator import GIB, RoundEngine


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> RoundEngine:
    one = RoundEngine()
    monkeypatch.setattr(shared.estimator, "ENGINES", {"llama.cpp": one})
    return one


def candidate(
    catalog: Catalog, gib_needed: int, *, model: str = "llama-3.1-8b", quantization: str = "Q8_0"
) -> Candidate:
    return Candidate(
        model=catalog.models[model],
        quantization=catalog.quantizations[quantization],
        engine="llama.cpp",
        context_tokens=gib_needed * 1024,
    )


def place(catalog: Catalog, free_gib: float, *, key: str = "GPU-a", row: str = "a100-40gb") -> Place:
    return Place(key=key, row=catalog.gpus[row], free_bytes=(int(free_gib * GIB),))


def test_fitting_is_judged_at_the_upper_end_of_the_error(catalog: Catalog, engine: RoundEngine) -> None:
    fitting = Fitting(catalog)

    (just,) = fitting.fits([place(catalog, 8.25)], [candidate(catalog, 8)], 100).by_place["GPU-a"]
    (short,) = fitting.fits([place(catalog, 8.24)], [candidate(catalog, 8)], 100).by_place["GPU-a"]

    assert (just.fits_now, just.headroom_bytes, just.required_bytes) == (True, 0, 8 * GIB + GIB // 4)
    assert not short.fits_now
    assert short.headroom_bytes is not None
    assert short.headroom_bytes < 0


def test_now_and_when_empty_are_two_answers(catalog: Catalog, engine: RoundEngine) -> None:
    (fit,) = Fitting(catalog).fits([place(catalog, 2)], [candidate(catalog, 30)], 100).by_place["GPU-a"]

    assert (fit.fits_now, fit.fits_empty) == (False, True)


def test_what_the_engine_refuses_does_not_fit_and_says_why(catalog: Catalog, engine: RoundEngine) -> None:
    refused = candidate(catalog, 1, quantization="INT8")

    (fit,) = Fitting(catalog).fits([place(catalog, 39)], [refused], 100).by_place["GPU-a"]

    assert (fit.fits_now, fit.fits_empty, fit.required_bytes) == (False, False, None)
    assert fit.refused == "it knows no integers"


def test_what_we_have_no_rule_for_is_counted_and_has_no_answer(catalog: Catalog, engine: RoundEngine) -> None:
    unknown = candidate(catalog, 1, model="mixtral-8x7b")

    fits = Fitting(catalog).fits([place(catalog, 39)], [unknown, candidate(catalog, 1)], 100)

    assert fits.unsupported == 1
    assert [fit.model for fit in fits.by_place["GPU-a"]] == ["llama-3.1-8b"]


def test_a_fault_in_one_candidate_is_logged_and_costs_only_that_candidate(
    catalog: Catalog, engine: RoundEngine, caplog: pytest.LogCaptureFixture
) -> None:
    fits = Fitting(catalog).fits([place(catalog, 39)], [candidate(catalog, 13), candidate(catalog, 1)], 100)

    assert [fit.context_tokens for fit in fits.by_place["GPU-a"]] == [1024]
    assert fits.unsupported == 1
    assert "cannot hold llama-3.1-8b against" in caplog.text


def test_at_the_series_limit_the_least_important_candidates_are_left_out_everywhere_and_counted(
    catalog: Catalog, engine: RoundEngine
) -> None:
    places = [place(catalog, 39, key="GPU-a"), place(catalog, 39, key="GPU-b")]

    fits = Fitting(catalog).fits(places, [candidate(catalog, n) for n in (1, 2, 3)], series_limit=16)

    assert [len(reports) for reports in fits.by_place.values()] == [2, 2]
    assert (fits.series, fits.series_dropped) == (16, 8)


def test_the_estimator_is_asked_once_per_candidate_and_kind_of_gpu(
    catalog: Catalog, engine: RoundEngine
) -> None:
    fitting, wanted = Fitting(catalog), [candidate(catalog, 1), candidate(catalog, 2)]
    for free in (39, 12, 1):
        fitting.fits([place(catalog, free, key="GPU-a"), place(catalog, free, key="GPU-b")], wanted, 1000)

    assert len(engine.asked) == 2


def test_estimates_for_gpus_and_candidates_that_are_gone_are_forgotten(
    catalog: Catalog, engine: RoundEngine
) -> None:
    fitting = Fitting(catalog)
    fitting.fits([place(catalog, 39)], [candidate(catalog, n) for n in range(1, 20)], 1000)
    fitting.fits([place(catalog, 39)], [candidate(catalog, 1)], 1000)

    assert len(fitting._empty) == 1


def test_a_group_is_the_emptiest_gpus_of_one_kind_and_is_bound_by_the_fullest(
    catalog: Catalog, engine: RoundEngine
) -> None:
    free = {"GPU-a": 10, "GPU-b": 30, "GPU-c": 20}
    places = [place(catalog, gib, key=key) for key, gib in free.items()]
    other = place(catalog, 70, key="GPU-h", row="h100-80gb")

    (group,) = groups([*places, other])
    (fit,) = Fitting(catalog).fits([group], [candidate(catalog, 36)], 100).by_place[group.key]

    assert (group.key, group.uuids) == ("a100-40gb-x2", ("GPU-b", "GPU-c"))
    assert fit.headroom_bytes == 20 * GIB - 18 * GIB - GIB // 4


def test_llama_cpps_layers_follow_what_is_free_on_each_gpu_of_a_group(catalog: Catalog) -> None:
    """42 GiB of weights on 39 and 13 GiB free: in halves they would not fit, by what is free they do."""
    both = (
        place(catalog, 39, key="GPU-a"),
        place(catalog, 13, key="GPU-b"),
    )
    wanted = Candidate(
        model=catalog.models["llama-3.3-70b"],
        quantization=catalog.quantizations["Q4_K_M"],
        engine="llama.cpp",
        context_tokens=8192,
    )
    (group,) = groups(both)

    (fit,) = Fitting(catalog).fits([group], [wanted], 100).by_place[group.key]

    assert (fit.fits_now, fit.fits_empty) == (True, True)
    assert fit.required_bytes is not None
    assert fit.required_bytes > 30 * GIB  # of the emptier GPU, which takes three quarters of the layers


def test_where_nothing_has_changed_the_very_same_reports_are_given_and_a_byte_less_free_is_a_change(
    catalog: Catalog, engine: RoundEngine
) -> None:
    fitting, asked = Fitting(catalog), [candidate(catalog, 8), candidate(catalog, 30)]
    here, there = place(catalog, 20), place(catalog, 39, key="GPU-b")

    first = fitting.fits([here, there], asked, 100).by_place
    fuller = Place(key=there.key, row=there.row, free_bytes=(there.free_bytes[0] - 1,))
    second = fitting.fits([here, fuller], asked, 100).by_place
    other_list = fitting.fits([here, fuller], list(asked), 100).by_place

    assert second["GPU-a"] is first["GPU-a"]
    assert second["GPU-b"][0].headroom_bytes == (first["GPU-b"][0].headroom_bytes or 0) - 1
    assert other_list["GPU-a"] is not second["GPU-a"]
    assert other_list == second

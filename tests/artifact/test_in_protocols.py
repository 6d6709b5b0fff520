"""Every method and fill can be said in a protocol and is described as it was said."""

import pytest

import emgkit as ek
from emgkit import plugins
from emgkit.protocol.objects import build_named, describe_object
from emgkit.protocol.where import Where

GROUP = "emgkit.artifact"
SAID = [
    (
        {"name": "comb", "periods": 4, "blanking": {"name": "blanking", "after": 0.003, "fill": "line"}},
        ek.Comb(periods=4, blanking=ek.Blanking(after=0.003, fill=ek.Line())),
    ),
    (
        {"name": "template_pca", "rank": {"name": "fixed_rank", "components": 3}},
        ek.TemplatePCA(rank=ek.FixedRank(3)),
    ),
    (
        {"name": "interpolation", "fill": {"name": "ar_innovation", "order": 12}},
        ek.Interpolation(fill=ek.ARInnovation(order=12)),
    ),
    ({"name": "blanking", "fill": "pchip"}, ek.Blanking(fill=ek.PCHIP())),
    ({"name": "linear_prediction", "divide_out": True}, ek.LinearPrediction(divide_out=True)),
    ({"name": "moving_template", "causal": True, "after": 0.03}, ek.MovingTemplate(causal=True, after=0.03)),
]


@pytest.mark.parametrize(("said", "meant"), SAID, ids=lambda item: item["name"] if isinstance(item, dict) else "")
def test_parameters_that_are_objects_are_made_from_tables(said, meant):
    assert build_named(GROUP, said, Where("protocol")) == meant


@pytest.mark.parametrize("method", [meant for _, meant in SAID], ids=lambda method: method.name)
def test_the_description_makes_the_same_object_again(method):
    assert build_named(GROUP, describe_object(method, GROUP), Where("protocol")) == method


@pytest.mark.parametrize("name", plugins.names(GROUP))
def test_every_method_is_made_from_its_name_and_hashes_by_value(name):
    method = build_named(GROUP, name, Where("protocol"))
    assert method == plugins.load(GROUP, name)()
    assert hash(method) == hash(plugins.load(GROUP, name)())


def test_a_wrong_fill_offers_the_right_ones():
    with pytest.raises(ek.ProtocolError, match="did you mean 'pchip'"):
        build_named(GROUP, {"name": "interpolation", "fill": "pchp"}, Where("protocol"))

"""toxiproxy-python, unmodified."""

import unittest

from chaos_server import ChaosCase, exchange
from toxiproxy import Toxiproxy
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists


class ToxiproxyPythonTest(ChaosCase):
    def setUp(self):
        super().setUp()
        self.client = Toxiproxy()
        self.client.update_api_consumer("127.0.0.1", self.server.port)

    def create(self, name="echo"):
        return self.client.create(name=name, upstream=self.echo.address)

    def test_proxies_pass_bytes_until_they_are_destroyed(self):
        self.assertTrue(self.client.running())
        self.assertIn(b'"version"', self.client.version())
        proxy = self.create()
        self.assertTrue(proxy.enabled)
        self.assertEqual(exchange(proxy.listen, b"hello" * 10000), b"hello" * 10000)
        self.assertEqual(list(self.client.proxies()), ["echo"])
        self.assertEqual(self.client.get_proxy("echo").listen, proxy.listen)
        self.assertTrue(self.client.destroy(proxy))
        self.assertEqual(self.client.proxies(), {})
        with self.assertRaises(ConnectionRefusedError):
            exchange(proxy.listen, b"x")

    def test_a_proxy_is_down_within_its_context(self):
        proxy = self.create()
        with proxy.down(), self.assertRaises(ConnectionRefusedError):
            exchange(proxy.listen, b"x")
        self.assertEqual(exchange(proxy.listen, b"x"), b"x")

    def test_toxics_act_until_they_are_destroyed(self):
        proxy = self.create()
        proxy.add_toxic(type="limit_data", attributes={"bytes": 7})
        toxic = proxy.get_toxic("limit_data_downstream")
        self.assertEqual((toxic.type, toxic.stream, toxic.toxicity), ("limit_data", "downstream", 1))
        self.assertEqual(toxic.attributes, {"bytes": 7})
        self.assertEqual(exchange(proxy.listen, b"0123456789"), b"0123456")
        self.assertTrue(proxy.destroy_toxic("limit_data_downstream"))
        proxy.add_toxic(name="rst", type="reset_peer", stream="upstream", attributes={"timeout": 0})
        with self.assertRaises(ConnectionResetError):
            exchange(proxy.listen, b"x")
        self.assertTrue(self.client.reset())
        self.assertEqual(proxy.toxics(), {})
        self.assertEqual(exchange(proxy.listen, b"x"), b"x")

    def test_every_type_of_toxiproxy_takes_its_attributes(self):
        proxy = self.create()
        types = {
            "latency": {"latency": 1, "jitter": 1},
            "bandwidth": {"rate": 100000},
            "slow_close": {"delay": 1},
            "timeout": {"timeout": 1},
            "reset_peer": {"timeout": 1},
            "slicer": {"average_size": 10, "size_variation": 5, "delay": 1},
            "limit_data": {"bytes": 1},
        }
        for kind, attributes in types.items():
            proxy.add_toxic(type=kind, stream="upstream", toxicity=0.5, attributes=attributes)
        found = {toxic.type: toxic for toxic in proxy.toxics().values()}
        self.assertEqual({kind: toxic.attributes for kind, toxic in found.items()}, types)
        self.assertEqual({toxic.toxicity for toxic in found.values()}, {0.5})

    def test_errors_are_the_exceptions_that_the_client_has(self):
        proxy = self.create()
        with self.assertRaises(ProxyExists):
            self.create()
        with self.assertRaises(InvalidToxic):
            proxy.add_toxic(type="nonsense")
        with self.assertRaises(NotFound):
            proxy.destroy_toxic("nothing")
        proxy.add_toxic(type="timeout")
        # The client has one exception for every conflict.
        with self.assertRaises(ProxyExists):
            proxy.add_toxic(type="timeout")

    def test_populate_makes_what_is_missing(self):
        plans = [{"name": name, "upstream": self.echo.address, "listen": "127.0.0.1:0"} for name in ("a", "b")]
        self.assertEqual([proxy.name for proxy in self.client.populate(plans)], ["a", "b"])
        self.client.destroy_all()
        self.assertEqual(self.client.proxies(), {})


if __name__ == "__main__":
    unittest.main()

"""chaostoolkit-toxiproxy, unmodified: its actions and probes, and a whole experiment."""

import logging
import os
import unittest

from chaos_server import ChaosCase, exchange
from chaoslib.run import Runner
from chaoslib.types import Strategy
from chaostoxi.proxy import actions, probes
from chaostoxi.toxic import actions as toxics

logging.disable(logging.CRITICAL)


class ChaosToolkitTest(ChaosCase):
    # The toolkit has proxies listen on all interfaces unless it is told otherwise.
    arguments = ("--allow-remote",)

    def setUp(self):
        super().setUp()
        self.configuration = {"toxiproxy_host": "127.0.0.1", "toxiproxy_port": self.server.port}
        self.host, _, self.port = self.echo.address.rpartition(":")
        self.addCleanup(os.environ.pop, "echo_PORT", None)

    def create(self):
        self.assertTrue(actions.create_proxy("echo", self.host, int(self.port), configuration=self.configuration))
        return f"127.0.0.1:{self.configuration['echo_PORT']}"

    def test_proxies_are_created_changed_and_deleted(self):
        address = self.create()
        self.assertEqual(exchange(address, b"hello"), b"hello")
        self.assertTrue(probes.proxy_exist("echo", configuration=self.configuration))
        self.assertEqual(
            probes.get_proxy_attribute("echo", "upstream", configuration=self.configuration), self.echo.address
        )
        actions.disable_proxy("echo", configuration=self.configuration)
        with self.assertRaises(ConnectionRefusedError):
            exchange(address, b"x")
        actions.enable_proxy("echo", configuration=self.configuration)
        self.assertEqual(exchange(address, b"x"), b"x")
        actions.delete_proxy("echo", configuration=self.configuration)
        self.assertFalse(probes.proxy_exist("echo", configuration=self.configuration))

    def test_every_action_makes_its_toxic(self):
        address = self.create()
        common = {"for_proxy": "echo", "configuration": self.configuration}
        made = [
            toxics.create_latency_toxic(toxic_name="latency", latency=1, jitter=1, **common),
            toxics.create_bandwith_degradation_toxic(toxic_name="bandwidth", rate=100000, **common),
            toxics.create_slow_connection_close_toxic(toxic_name="slow_close", delay=1, **common),
            toxics.create_slicer_toxic(toxic_name="slicer", average_size=5, size_variation=2, delay=1, **common),
            toxics.create_limiter_toxic(toxic_name="limit_data", bytes_limit=9, **common),
            # Without attributes, the toolkit sends null.
            toxics.create_toxic(toxic_name="blackhole", toxic_type="blackhole", toxicity=0, **common),
        ]
        self.assertEqual(made, [True] * 6)
        self.assertEqual(exchange(address, b"0123456789abc"), b"012345678")
        self.assertTrue(toxics.create_timeout_toxic(toxic_name="timeout", timeout=5, **common))
        self.assertEqual(exchange(address, b"0123456789abc"), b"")
        self.assertTrue(toxics.delete_toxic("echo", "timeout", configuration=self.configuration))
        self.assertTrue(actions.reset(configuration=self.configuration))
        self.assertEqual(exchange(address, b"0123456789abc"), b"0123456789abc")

    def test_an_experiment_runs(self):
        self.create()

        def provider(module, function, **arguments):
            return {"type": "python", "module": module, "func": function, "arguments": arguments}

        toxic = provider(
            "chaostoxi.toxic.actions", "create_latency_toxic", for_proxy="echo", toxic_name="slow", latency=1
        )
        experiment = {
            "version": "1.0.0",
            "title": "Echo stays there when it is slow",
            "description": "A proxy gets a toxic, and loses it again.",
            "configuration": self.configuration,
            "steady-state-hypothesis": {
                "title": "The proxy is there",
                "probes": [
                    {
                        "type": "probe",
                        "name": "proxy",
                        "tolerance": True,
                        "provider": provider("chaostoxi.proxy.probes", "proxy_exist", proxy_name="echo"),
                    }
                ],
            },
            "method": [{"type": "action", "name": "slow", "provider": toxic}],
            "rollbacks": [
                {"type": "action", "name": "reset", "provider": provider("chaostoxi.proxy.actions", "reset")}
            ],
        }
        with Runner(Strategy.DEFAULT) as runner:
            journal = runner.run(experiment, settings={})
        self.assertEqual(journal["status"], "completed")
        self.assertEqual([step["status"] for step in journal["run"] + journal["rollbacks"]], ["succeeded"] * 2)
        self.assertFalse(journal["deviated"])


if __name__ == "__main__":
    unittest.main()

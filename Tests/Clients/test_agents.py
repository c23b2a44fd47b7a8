"""Frameworks that run a tool and go on with its result: OpenAI's Agents SDK and Pydantic AI, as they come."""

import unittest

import agents
import openai
import pydantic_ai
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from scripted_service import NAME, ScriptedCase

QUESTION = "the weather, please"
ANSWER = "It is sunny in Zürich."


class Loops(ScriptedCase):
    def setUp(self):
        self.cities = []

    def weather(self, city: str) -> str:
        """Tells the weather."""
        self.cities.append(city)
        return "sunny"

    def check(self, run):
        self.assertEqual(self.alike(run), ANSWER)
        self.assertEqual(self.cities, ["Zürich"] * len(self.addresses))


class AgentsSDK(Loops):
    def run_agent(self, make_model):
        agents.set_tracing_disabled(True)

        def run(address):
            client = openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0)
            tool = agents.function_tool(self.weather)
            agent = agents.Agent(name="a", instructions="Be kind.", model=make_model(NAME, client), tools=[tool])
            return agents.Runner.run_sync(agent, QUESTION).final_output

        self.check(run)

    def test_chat(self):
        self.run_agent(lambda name, client: agents.OpenAIChatCompletionsModel(name, client))

    def test_responses(self):
        self.run_agent(lambda name, client: agents.OpenAIResponsesModel(name, client))


class PydanticAI(Loops):
    def run_agent(self, make_model):
        def run(address):
            agent = pydantic_ai.Agent(make_model(address), instructions="Be kind.")
            agent.tool_plain(self.weather)
            return agent.run_sync(QUESTION).output

        self.check(run)

    def test_chat(self):
        self.run_agent(lambda at: OpenAIChatModel(NAME, provider=OpenAIProvider(base_url=at, api_key="none")))

    def test_responses(self):
        self.run_agent(lambda at: OpenAIResponsesModel(NAME, provider=OpenAIProvider(base_url=at, api_key="none")))

    def test_messages(self):
        self.run_agent(lambda at: AnthropicModel(NAME, provider=AnthropicProvider(base_url=at.root, api_key="none")))


if __name__ == "__main__":
    unittest.main()

"""Debian's Chromium without a screen, and a person in front of it: they type, press, choose, and read what is shown."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

T = TypeVar("T")
WAIT_S = 20
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "needs Debian's chromium and chromium-driver: apt-get install chromium chromium-driver"


class Person:
    """Somebody who looks at a page of the lab."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str, *, width: int = 1200, height: int = 800) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get("about:blank")  # an address that differs in its fragment alone would load nothing
        self.driver.get(address)
        self.find("body:not([data-ready=''])[data-ready]")

    def become(self, name: str) -> None:
        self.find(f"#people label:has([value={name}])").click()
        self.find(f"body[data-ready={name}]")

    def type(self, text: str, field: str = "#composer textarea") -> None:
        self.find(field).send_keys(text, Keys.ENTER)

    def press(self, label: str, within: str = "#messages") -> None:
        self.wait(lambda: self._pressed(label, within))

    def _pressed(self, label: str, within: str) -> bool:
        buttons = self.driver.find_elements(By.CSS_SELECTOR, f"{within} button")
        found = next((one for one in reversed(buttons) if one.text.strip() == label), None)
        if found is not None:
            found.click()
        return found is not None

    def hover(self, text: str) -> None:
        """Over the last message that holds it: what can be done with it shows then."""
        messages = self.driver.find_elements(By.CSS_SELECTOR, "#messages article")
        ActionChains(self.driver).move_to_element(next(one for one in reversed(messages) if text in one.text)).perform()

    def find(self, selector: str) -> WebElement:
        return self.wait(lambda: next(iter(self.driver.find_elements(By.CSS_SELECTOR, selector)), None))

    def read(self, selector: str = "#messages") -> str:
        return str(self.find(selector).text)

    def wait_for(self, text: str, selector: str = "#messages") -> str:
        return self.wait(lambda: shown if text in (shown := self.read(selector)) else None)

    def wait(self, seen: Callable[[], T | None]) -> T:
        """The value once there is one; what is drawn anew while it is looked at is looked at again."""
        waiting = WebDriverWait(self.driver, WAIT_S, 0.05, ignored_exceptions=(StaleElementReferenceException,))
        found: T = waiting.until(lambda _: seen(), f"the page shows: {self.driver.title}")
        return found

    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    def complaints(self) -> list[str]:
        """What the browser's console said since it was last asked: errors, and what the security policy refused."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]


@contextmanager
def chromium() -> Iterator[Person]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"):
        options.add_argument(argument)
    if os.geteuid() == 0:  # where its sandbox refuses to work; it sees our own pages only
        options.add_argument("--no-sandbox")
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    try:
        yield Person(driver)
    finally:
        driver.quit()

"""The engine: video -> faces -> tracks -> clips -> emotions. It knows neither Redis nor HTTP."""

"""Training as a film: what a network answers, what it costs and how it looks, epoch by epoch.

film = nn.film(model, xs, ys, epochs=300)
film.save("film.html")
"""

from nn.filming.camera import Camera as Camera
from nn.filming.camera import film as film
from nn.filming.film import Film as Film

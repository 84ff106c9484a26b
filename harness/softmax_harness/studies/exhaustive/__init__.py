"""All inputs of a small domain, judged one by one: maxima that are not sampled."""

"""With an independent platform: the Open edX LTI consumer launches, takes scores, serves a roster and a picker."""

"""CoLA: action snippets told from background snippets by contrast (Zhang et al., CVPR 2021)."""
